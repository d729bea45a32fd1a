"""Checking a signature by its description: one way for all that differ in header, encoding and signed text only."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from headway_lane.contract.signature import BODY, FORM, KEY, PLAIN, TIMESTAMP, URL, Algorithm, Encoding, Signature
from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import (
    any_equal,
    as_bytes,
    base64_key,
    check_age,
    check_count,
    epoch_s,
    hex_key,
    text_key,
    usable,
)

_READ_KEY: Final = {Encoding.UTF8: text_key, Encoding.HEX: hex_key, Encoding.BASE64: base64_key}


def check(
    signature: Signature,
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`.

    What costs little is checked first, and the signed text is put together once.
    """
    if signature.contradiction:
        raise Forged(f"`callback.verification`: {signature.contradiction}")
    value = _header(headers, signature.header)
    if signature.algorithm is Algorithm.STATIC:
        secrets = usable(keys, lambda key: signature.prefix.encode() + text_key(key))
        if not any(hmac.compare_digest(secret, as_bytes(value)) for secret in secrets):
            raise Forged(f"the header {signature.header!r} is none of the keys")
        return
    pairs = [(name, text) for name, _, text in (pair.strip().partition("=") for pair in value.split(","))]
    timestamp = _timestamp(signature, headers, pairs, received_epoch_s)
    given = _given(signature, value, pairs)
    check_count(signature.header, given)
    secrets = key_bytes(signature, keys)
    pieces = _pieces(signature, body, timestamp, url) if given and secrets else ()
    if not any_equal([_signed(signature, pieces, secret) for secret in secrets], given):
        raise Forged("no signature matches a key")


def _header(headers: Mapping[str, str], name: str) -> str:
    try:
        return headers[name.lower()]
    except KeyError as error:
        raise Forged(f"the header {name!r} is missing") from error


def _timestamp(
    signature: Signature, headers: Mapping[str, str], pairs: Sequence[tuple[str, str]], received_epoch_s: float
) -> str:
    """Return the timestamp as it was signed, empty where none is; Forged outside its tolerance."""
    if signature.timestamp_header:
        place, timestamp = signature.timestamp_header, _header(headers, signature.timestamp_header)
    elif signature.timestamp_label:
        place = f"{signature.timestamp_label} of {signature.header}"
        timestamp = next((text for name, text in pairs if name == signature.timestamp_label), "")
    else:
        return ""
    check_age(place, epoch_s(place, timestamp), received_epoch_s, signature.tolerance_s)
    return timestamp


def _given(signature: Signature, value: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return the signatures of the header; pairs of other labels, and values without the prefix, are none."""
    if signature.signature_label:
        given = [text for name, text in pairs if name == signature.signature_label]
    else:
        given = [value.removeprefix(signature.prefix)] if value.startswith(signature.prefix) else []
    return [text.lower() for text in given] if signature.encoding is Encoding.HEX else given


def key_of(signature: Signature, key: str) -> bytes:
    """Read one key; ValueError, with a hint, where it is none."""
    return _READ_KEY[signature.key_encoding](key.removeprefix(signature.key_prefix))


def key_bytes(signature: Signature, keys: Sequence[str]) -> list[bytes]:
    """Return the keys that can be used, as bytes."""
    return usable(keys, lambda key: key_of(signature, key))


def computed(signature: Signature, body: bytes, timestamp: str, key: bytes, url: str = "") -> str:
    """Return the signature that this key gives, as the vendor writes it."""
    return _signed(signature, _pieces(signature, body, timestamp, url), key)


def _pieces(signature: Signature, body: bytes, timestamp: str, url: str) -> Sequence[bytes | None]:
    """Return the signed text in pieces; None where the key stands."""
    parts = {BODY: body, TIMESTAMP: timestamp.encode(), KEY: None, URL: as_bytes(url)}
    if FORM in signature.signed:
        parts[FORM] = _form(body)
    return [parts.get(piece, piece.encode()) for piece in re.split(r"(\{\w+\})", signature.signed)]


def _signed(signature: Signature, pieces: Sequence[bytes | None], key: bytes) -> str:
    message = b"".join(key if piece is None else piece for piece in pieces)
    name = signature.algorithm.removeprefix("hmac-")
    plain = signature.algorithm in PLAIN
    digest = hashlib.new(name, message).digest() if plain else hmac.digest(key, message, name)
    return digest.hex() if signature.encoding is Encoding.HEX else base64.b64encode(digest).decode()


def _form(body: bytes) -> bytes:
    """Return the names and values of a form, sorted by name, with nothing between them."""
    text = body.decode(errors="surrogateescape")
    fields = sorted(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))
    return "".join(name + value for name, value in fields).encode(errors="surrogateescape")
