"""Standard Webhooks v1: HMAC-SHA256 over `{id}.{timestamp}.{body}`, five minutes of tolerance both ways.

The library computes the signature. Its own `verify` is not used, because it takes the age from now: a callback that
waited in the queue, or in the DLQ for a redrive, would turn into a forged one.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from functions.errors import Forged

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_S: Final = 300
"""The tolerance of the reference implementations (standardwebhooks 1.1)."""


def verify(body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`."""
    try:
        message_id, timestamp, given = (headers[name] for name in HEADERS)
        signed_at = datetime.fromtimestamp(int(timestamp), tz=UTC)
    except KeyError as error:
        raise Forged(f"the header {error} is missing") from error
    except (ValueError, OverflowError, OSError) as error:
        raise Forged("webhook-timestamp is not a time") from error
    age_s = received_epoch_s - signed_at.timestamp()
    if abs(age_s) > TOLERANCE_S:
        raise Forged(f"webhook-timestamp is {'old' if age_s > 0 else 'in the future'}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Forged("the body is not UTF-8") from error
    if not any(_matches(Webhook(key).sign(message_id, signed_at, text), given) for key in _usable(keys)):
        raise Forged("no signature matches a key")


def _usable(keys: Sequence[str]) -> list[str]:
    """Leave out keys that the library refuses: an empty key would verify what anybody signs."""
    usable = []
    for key in keys:
        try:
            Webhook(key)
        except (EmptyWebhookSecretError, ValueError):
            continue
        usable.append(key)
    return usable


def _matches(expected: str, given: str) -> bool:
    """Compare with each of the space-separated signatures, in constant time; unknown versions never match."""
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given.split(" "))
