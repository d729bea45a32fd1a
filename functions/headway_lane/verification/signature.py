"""Checking a signature by its description: one way for all that differ in place, encoding and signed text only."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from headway_lane.contract.signature import PLAIN, PUBLIC_KEY, Algorithm, Encoding, Signature
from headway_lane.contract.signature_rules import contradiction
from headway_lane.runtime.errors import Forged
from headway_lane.verification import public_keys
from headway_lane.verification.given import Given, written
from headway_lane.verification.proof import as_bytes, base64_bytes, base64_key, hex_bytes, hex_key, text_key, usable
from headway_lane.verification.signed_text import Pieces, Signed, pieces, variants

_READ_KEY: Final = {
    Encoding.UTF8: text_key,
    Encoding.HEX: hex_key,
    Encoding.BASE64: base64_key,
    Encoding.BASE64URL: base64_key,
}
_READ_PUBLIC_KEY: Final = {
    Encoding.HEX: hex_bytes,
    Encoding.BASE64: base64_bytes,
    Encoding.BASE64URL: base64_bytes,
}
_NO_QUERY: Final[Mapping[str, str]] = {}


def check(
    signature: Signature,
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
    *,
    query: Mapping[str, str] = _NO_QUERY,
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`.

    What costs little is checked first, and the signed text is put together once for each way of meaning it.
    """
    if found := contradiction(signature):
        raise Forged(f"`callback.verification`: {found}")
    if signature.algorithm is Algorithm.STATIC:
        return _check_static(signature, headers, keys)
    given = Given(signature, headers)
    timestamp = given.timestamp(query, body, received_epoch_s)
    signatures, secrets = given.signatures(), key_bytes(signature, keys)
    if not signatures or not secrets:
        raise Forged("no signature matches a key")
    if signature.algorithm in PUBLIC_KEY and len(signatures) * len(secrets) > public_keys.MOST_TRIES:
        raise Forged(f"{signature.header} has more signatures than are tried with {len(secrets)} keys")
    for text in variants(signature, Signed(headers, query, url, timestamp, body)):
        if any(_matches(signature, text, secret, signatures) for secret in secrets):
            return None
    raise Forged("no signature matches a key")


def _check_static(signature: Signature, headers: Mapping[str, str], keys: Sequence[str]) -> None:
    try:
        value = headers[signature.header.lower()]
    except KeyError as error:
        raise Forged(f"the header {signature.header!r} is missing") from error
    secrets = usable(keys, lambda key: signature.prefix.encode() + text_key(key))
    if not any(hmac.compare_digest(secret, as_bytes(value)) for secret in secrets):
        raise Forged(f"the header {signature.header!r} is none of the keys")


def key_of(signature: Signature, key: str) -> bytes:
    """Read one key; ValueError, with a hint, where it is none."""
    if signature.key_encoding is Encoding.PEM:
        return public_keys.from_pem(key, signature.algorithm)
    bare = key.removeprefix(signature.key_prefix)
    if signature.algorithm in PUBLIC_KEY:
        read = _READ_PUBLIC_KEY.get(signature.key_encoding)
        if read is None:
            raise ValueError("the contract does not say how the public key is written; name its `key_encoding`")
        return public_keys.checked(read(bare), signature.algorithm)
    if signature.key_prefix and signature.key_encoding is not Encoding.UTF8:
        bare = key.rpartition(signature.key_prefix)[2]  # consoles show a version before it: `v1,whsec_...`
    return _READ_KEY[signature.key_encoding](bare)


def key_bytes(signature: Signature, keys: Sequence[str]) -> list[bytes]:
    """Return the keys that can be used, as bytes."""
    return usable(keys, partial(key_of, signature))


def computed(signature: Signature, signed: Signed, key: bytes) -> str:
    """Return the signature that a shared secret gives, as the vendor writes it."""
    return written(_digest(signature, pieces(signature, signed), key), signature.encoding)


def _matches(signature: Signature, text: Pieces, key: bytes, given: Sequence[bytes]) -> bool:
    """Compare in constant time, or try a public key."""
    if signature.algorithm in PUBLIC_KEY:
        message = _message(text, key)
        return any(public_keys.has_signed(key, signature.algorithm, one, message) for one in given)
    expected = _digest(signature, text, key)
    return any(hmac.compare_digest(expected, one) for one in given)


def _digest(signature: Signature, text: Pieces, key: bytes) -> bytes:
    message, name = _message(text, key), signature.algorithm.removeprefix("hmac-")
    return hashlib.new(name, message).digest() if signature.algorithm in PLAIN else hmac.digest(key, message, name)


def _message(text: Pieces, key: bytes) -> bytes:
    return b"".join(key if piece is None else piece for piece in text)
