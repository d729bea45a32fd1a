"""Standard Webhooks: `{id}.{timestamp}.{body}`, signed by HMAC-SHA256 (v1) or Ed25519 (v1a), five minutes of tolerance.

The key says which: `whpk_` is a vendor's public key, everything else a shared secret. They never stand in for each
other, else whoever knows the public key could sign with it. The specification's own library is not used here: it knows
no v1a, signs text where a body is bytes, and takes the age from now, so that a callback which waited in the queue, or
in the DLQ for a redrive, would turn into a forged one. Tests and simulator sign with it.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import any_equal, check_age, usable

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_S: Final = 300
"""The tolerance of the reference implementations (standardwebhooks 1.1)."""
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
PUBLIC_PREFIX: Final = "whpk_"


def verify(
    body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str = ""
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`."""
    del url
    try:
        message_id, timestamp, given = (headers[name] for name in HEADERS)
        signed_epoch_s = int(timestamp)
    except KeyError as error:
        raise Forged(f"the header {error} is missing") from error
    except ValueError as error:
        raise Forged("webhook-timestamp is not a time") from error
    check_age("webhook-timestamp", signed_epoch_s, received_epoch_s, TOLERANCE_S)
    signed = f"{message_id}.{timestamp}.".encode() + body
    versions = [version.partition(",")[::2] for version in given.split(" ")]  # unknown ones never match
    shared = [key for key in keys if not key.startswith(PUBLIC_PREFIX)]
    expected = [_symmetric(key, signed) for key in usable(shared, _secret)]
    if any_equal(expected, [text for version, text in versions if version == "v1"]):
        return
    public = usable([key for key in keys if key.startswith(PUBLIC_PREFIX)], _public)
    signatures = [text for version, text in versions if version == "v1a"]
    if not any(_asymmetric(key, text, signed) for key in public for text in signatures):
        raise Forged("no signature matches a key")


def _symmetric(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _asymmetric(key: bytes, signature: str, signed: bytes) -> bool:
    """Return whether a signature is that of a public key; a key or a signature that is none of Ed25519 is not."""
    from ecdsa import BadSignatureError, Ed25519, VerifyingKey  # few vendors need it, and it takes its time
    from ecdsa.errors import MalformedPointError

    try:
        verified: bool = VerifyingKey.from_string(key, curve=Ed25519).verify(base64.b64decode(signature), signed)
    except (BadSignatureError, MalformedPointError, ValueError):
        return False
    return verified


def _secret(key: str) -> bytes:
    return base64.b64decode(key.removeprefix(SECRET_PREFIX))


def _public(key: str) -> bytes:
    return base64.b64decode(key.removeprefix(PUBLIC_PREFIX))
