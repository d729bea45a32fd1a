"""Verifying that a callback comes from the vendor (hop 10). A preset names its headers and checks raw bytes."""

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from functions.errors import Forged


class Verify(Protocol):
    """Checks a raw body; Forged says what was wrong."""

    def __call__(self, body: bytes, headers: Mapping[str, str], keys: Sequence[str]) -> None:
        """Return where one of `keys` verifies; header names are lower case."""
        ...


@dataclass(frozen=True, slots=True)
class Preset:
    """A way of signing: the headers that the callback API has to pass on, and the check."""

    headers: tuple[str, ...]
    verify: Verify


def _standard_webhooks(body: bytes, headers: Mapping[str, str], keys: Sequence[str]) -> None:
    """Check Standard Webhooks v1 (HMAC-SHA256 over `{id}.{timestamp}.{body}`, five minutes of tolerance both ways)."""
    reason = "no key is configured"
    for key in keys:
        try:
            Webhook(key).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError as error:
            reason = str(error)
        except EmptyWebhookSecretError:
            reason = "a configured key is empty"
        except (ValueError, binascii.Error) as error:  # a header that does not parse
            reason = f"unreadable signature ({type(error).__name__})"
        else:
            return
    raise Forged(reason)


PRESETS: Final[Mapping[str, Preset]] = {
    "standard-webhooks": Preset(
        headers=("webhook-id", "webhook-timestamp", "webhook-signature"), verify=_standard_webhooks
    ),
}
