"""Standard Webhooks v1: HMAC-SHA256 over `{id}.{timestamp}.{body}`, five minutes of tolerance both ways.

The library computes the signature. Its own `verify` is not used, because it takes the age from now: a callback that
waited in the queue, or in the DLQ for a redrive, would turn into a forged one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from functions.callback.proof import any_equal, check_age
from functions.errors import Forged

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_S: Final = 300
"""The tolerance of the reference implementations (standardwebhooks 1.1)."""


def verify(
    body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str = ""
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`."""
    del url
    try:
        message_id, timestamp, given = (headers[name] for name in HEADERS)
        signed_at = datetime.fromtimestamp(int(timestamp), tz=UTC)
    except KeyError as error:
        raise Forged(f"the header {error} is missing") from error
    except (ValueError, OverflowError, OSError) as error:
        raise Forged("webhook-timestamp is not a time") from error
    check_age("webhook-timestamp", signed_at.timestamp(), received_epoch_s, TOLERANCE_S)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Forged("the body is not UTF-8") from error
    expected = [Webhook(key).sign(message_id, signed_at, text) for key in _usable(keys)]
    if not any_equal(expected, given.split(" ")):  # unknown versions never match
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
