"""Verifying that a callback comes from the vendor (hop 10). A preset names its headers and checks raw bytes."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from functions.errors import Forged

STANDARD_WEBHOOKS_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
STANDARD_WEBHOOKS_TOLERANCE_S: Final = 300
"""The tolerance of the reference implementations (standardwebhooks 1.1)."""


class Verify(Protocol):
    """Checks a raw body; Forged says what was wrong."""

    def __call__(self, body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float) -> None:
        """Return where one of `keys` verifies; header names are lower case, `received_epoch_s` is when it came in."""
        ...


@dataclass(frozen=True, slots=True)
class Preset:
    """A way of signing: the headers that the callback API has to pass on, and the check."""

    headers: tuple[str, ...]
    verify: Verify


def _standard_webhooks(body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float) -> None:
    """Check Standard Webhooks v1: HMAC-SHA256 over `{id}.{timestamp}.{body}`, five minutes of tolerance both ways.

    The library computes the signature. Its own `verify` is not used, because it takes the age from now: a callback that
    waited in the queue, or in the DLQ for a redrive, would turn into a forged one.
    """
    try:
        message_id, timestamp, given = (headers[name] for name in STANDARD_WEBHOOKS_HEADERS)
        signed_at = datetime.fromtimestamp(int(timestamp), tz=UTC)
    except KeyError as error:
        raise Forged(f"the header {error} is missing") from error
    except (ValueError, OverflowError, OSError) as error:
        raise Forged("webhook-timestamp is not a time") from error
    age_s = received_epoch_s - signed_at.timestamp()
    if abs(age_s) > STANDARD_WEBHOOKS_TOLERANCE_S:
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


PRESETS: Final[Mapping[str, Preset]] = {
    "standard-webhooks": Preset(headers=STANDARD_WEBHOOKS_HEADERS, verify=_standard_webhooks),
}
