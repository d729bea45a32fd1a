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
from headway_lane.verification.proof import any_equal, check_age, usable

_EPOCH_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


def check(
    signature: Signature,
    body: bytes,
    headers: Mapping[str, str],
    keys: Sequence[str],
    received_epoch_s: float,
    url: str = "",
) -> None:
    """Return where one of `keys` verifies; see `verification.Verify`."""
    value = _header(headers, signature.header)
    if signature.algorithm is Algorithm.STATIC:
        if not any_equal([signature.prefix + key for key in keys if key], [value]):
            raise Forged(f"the header {signature.header!r} is none of the keys")
        return
    pairs = [(name, text) for name, _, text in (pair.strip().partition("=") for pair in value.split(","))]
    timestamp = _timestamp(signature, headers, pairs, received_epoch_s)
    expected = [computed(signature, body, timestamp, key, url) for key in key_bytes(signature, keys)]
    if not any_equal(expected, _given(signature, value, pairs)):
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
    if not _EPOCH_SECONDS.fullmatch(timestamp):
        raise Forged(f"{place} is not a time")
    check_age(place, int(timestamp), received_epoch_s, signature.tolerance_s)
    return timestamp


def _given(signature: Signature, value: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return the signatures of the header; pairs of other labels, and values without the prefix, are none."""
    if signature.signature_label:
        given = [text for name, text in pairs if name == signature.signature_label]
    else:
        given = [value.removeprefix(signature.prefix)] if value.startswith(signature.prefix) else []
    return [text.lower() for text in given] if signature.encoding is Encoding.HEX else given


def key_bytes(signature: Signature, keys: Sequence[str]) -> list[bytes]:
    """Return the keys that can be used, as bytes."""
    decode = {Encoding.UTF8: str.encode, Encoding.HEX: bytes.fromhex, Encoding.BASE64: base64.b64decode}
    return usable([key.removeprefix(signature.key_prefix) for key in keys], decode[signature.key_encoding])


def computed(signature: Signature, body: bytes, timestamp: str, key: bytes, url: str = "") -> str:
    """Return the signature that this key gives, as the vendor writes it."""
    parts = {BODY: body, TIMESTAMP: timestamp.encode(), KEY: key, URL: url.encode()}
    if FORM in signature.signed:
        parts[FORM] = _form(body)
    message = b"".join(parts.get(piece, piece.encode()) for piece in re.split(r"(\{\w+\})", signature.signed))
    name = signature.algorithm.removeprefix("hmac-")
    plain = signature.algorithm in PLAIN
    digest = hashlib.new(name, message).digest() if plain else hmac.digest(key, message, name)
    return digest.hex() if signature.encoding is Encoding.HEX else base64.b64encode(digest).decode()


def _form(body: bytes) -> bytes:
    """Return the names and values of a form, sorted by name, with nothing between them."""
    text = body.decode(errors="surrogateescape")
    fields = sorted(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))
    return "".join(name + value for name, value in fields).encode(errors="surrogateescape")
