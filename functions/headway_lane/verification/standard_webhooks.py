"""Standard Webhooks: `{id}.{timestamp}.{body}`, signed by HMAC-SHA256 (v1) or Ed25519 (v1a), five minutes of tolerance.

The key says which: `whsec_` is a shared secret, `whpk_` a vendor's public key. They never stand in for each other, else
whoever knows the public key could sign with it; what says neither may be either, and is no key. The specification's own
library is not used here: it knows no v1a, signs text where a body is bytes, and takes the age from now, so that a
callback which waited in the queue, or in the DLQ for a redrive, would turn into a forged one. Tests and simulator sign
with it.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import any_equal, as_bytes, base64_key, check_age, check_count, usable
from headway_lane.verification.times import epoch_s

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
OLDER_HEADERS: Final = ("svix-id", "svix-timestamp", "svix-signature")
"""Under which the scheme was born, and many vendors still send it (docs.svix.com)."""
TOLERANCE_S: Final = 300
"""The tolerance of the reference implementations (standardwebhooks 1.1)."""
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
VERSION_PREFIX: Final = "v1,"
"""Before the secret in some consoles (Supabase)."""
PUBLIC_PREFIX: Final = "whpk_"
PUBLIC_BYTES: Final = 32
"""The length of a public key of Ed25519 (RFC 8032, 5.1.5)."""


def verify(
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
    query: object = None,
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`."""
    del url, query
    older = not any(name in headers for name in HEADERS) and OLDER_HEADERS[0] in headers
    names = OLDER_HEADERS if older else HEADERS
    try:
        message_id, timestamp, given = (headers[name] for name in names)
    except KeyError as error:
        raise Forged(f"the header {error} is missing") from error
    signed_epoch_s = epoch_s(names[1], timestamp)
    check_age(names[1], signed_epoch_s, received_epoch_s, TOLERANCE_S)
    versions = [version.partition(",")[::2] for version in given.split(" ")]  # unknown ones never match
    symmetric = [text for version, text in versions if version == "v1"]
    asymmetric = [text for version, text in versions if version == "v1a"]
    check_count(names[2], [*symmetric, *asymmetric])
    signed = as_bytes(f"{message_id}.{timestamp}.") + body
    if symmetric and any_equal([_symmetric(key, signed) for key in usable(keys, _secret)], symmetric):
        return
    if not any(_asymmetric(key, text, signed) for text in asymmetric for key in usable(keys, _public)):
        raise Forged("no signature matches a key")


def key_of(key: str) -> bytes:
    """Read one key, secret or public; ValueError, with a hint, where it is neither."""
    return _public(key) if key.startswith(PUBLIC_PREFIX) else _secret(key)


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
    key = key.removeprefix(VERSION_PREFIX)
    if not key.startswith(SECRET_PREFIX):
        raise ValueError(f"write `{SECRET_PREFIX}` before a secret, `{PUBLIC_PREFIX}` before a public key of Ed25519")
    return base64_key(key.removeprefix(SECRET_PREFIX))


def _public(key: str) -> bytes:
    if not key.startswith(PUBLIC_PREFIX):
        raise ValueError("it is not public")
    point = base64_key(key.removeprefix(PUBLIC_PREFIX))
    if len(point) != PUBLIC_BYTES:
        raise ValueError(f"it has {len(point)} bytes, and a public key of Ed25519 has {PUBLIC_BYTES}")
    return point
