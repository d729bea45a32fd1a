"""What a callback says of its signature: the signatures themselves, and when it was signed."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final

from headway_lane.contract import paths
from headway_lane.contract.signature import Algorithm, Encoding, Signature
from headway_lane.messages import json_text
from headway_lane.runtime.errors import Forged
from headway_lane.verification.proof import base64_bytes, check_age, check_count, hex_bytes
from headway_lane.verification.times import epoch_s

HEADER_CHARACTERS: Final = 10_240
"""The most that API Gateway takes of all headers (quotas for REST APIs); a longer value came another way."""
_BETWEEN_PAIRS: Final = re.compile(r"[,;\s]+")
_BETWEEN_SIGNATURES: Final = re.compile(r"\s*[,;]\s*")
LENGTHS: Final[Mapping[Algorithm, range]] = {
    Algorithm.SHA1: range(20, 21),
    Algorithm.HMAC_SHA1: range(20, 21),
    Algorithm.SHA256: range(32, 33),
    Algorithm.HMAC_SHA256: range(32, 33),
    Algorithm.SHA512: range(64, 65),
    Algorithm.HMAC_SHA512: range(64, 65),
    Algorithm.ED25519: range(64, 65),
    Algorithm.ECDSA_P256: range(8, 73),
    Algorithm.RSA_SHA256: range(256, 1_025),
}
"""Bytes of a signature (FIPS 180-4; RFC 8032; a sequence of two numbers in DER; keys of 2,048 to 8,192 bits).
What is of another length is none, before anything is computed.
"""


class Given:
    """The signature headers of one callback, read once."""

    def __init__(self, signature: Signature, headers: Mapping[str, str]) -> None:
        self._signature = signature
        self._headers = headers
        named = [headers[name.lower()] for name in signature.signature_headers if name.lower() in headers]
        if not named:
            raise Forged(f"the header {signature.header!r} is missing")
        if any(len(value) > HEADER_CHARACTERS for value in named):
            raise Forged(f"the header {signature.header!r} is longer than any that the callback API passes on")
        self._values = named
        self._pairs = [pair for value in named for pair in self._parted(value)] if signature.signature_label else []

    def signatures(self) -> list[bytes]:
        """Return what may be a signature, decoded: it has the right label or prefix, its encoding and its length."""
        signature = self._signature
        if signature.signature_label:
            texts = [text for label, text in self._pairs if label == signature.signature_label]
        else:
            texts = [text for value in self._values for text in self._behind_prefix(value)]
        check_count(signature.header, texts)
        found = (decoded(text, signature.encoding) for text in texts)
        return [one for one in found if one is not None and len(one) in LENGTHS[signature.algorithm]]

    def timestamp(self, query: Mapping[str, str], body: bytes, received_epoch_s: float) -> str:
        """Return the time as it was signed, empty where none is; Forged outside its tolerance."""
        signature = self._signature
        if signature.timestamp_header:
            place = signature.timestamp_header
            try:
                text = self._headers[place.lower()]
            except KeyError as error:
                raise Forged(f"the header {place!r} is missing") from error
        elif signature.timestamp_label:
            place = f"{signature.timestamp_label} of {signature.header}"
            text = self._only(signature.timestamp_label)
        elif signature.timestamp_query:
            place, text = signature.timestamp_query, query.get(signature.timestamp_query, "")
        elif signature.timestamp_field:
            place, text = signature.timestamp_field, _field(body, signature.timestamp_field)
        else:
            return ""
        check_age(place, epoch_s(place, text), received_epoch_s, signature.tolerance_s)
        return text

    def _only(self, label: str) -> str:
        """Return the first value of a label, empty where there is none."""
        return next((text for name, text in self._pairs if name == label), "")

    def _parted(self, value: str) -> Sequence[tuple[str, str]]:
        """Return label and value of each pair, without quotation marks around the latter."""
        mark = self._signature.label_separator  # `k = v` is `k=v`; a blank behind it alone may follow padding
        tight = re.sub(rf"\s+{re.escape(mark)}\s*", lambda _: mark, value) if mark.strip() else value
        between = self._signature.separator
        parts = tight.split(between) if between else _BETWEEN_PAIRS.split(tight)
        pairs = (part.strip().partition(mark) for part in parts)
        return [(label.strip(), _unquoted(text.strip())) for label, _, text in pairs]

    def _behind_prefix(self, value: str) -> Sequence[str]:
        """Return the signatures of a header without labels; what has not the prefix is none."""
        prefix, between = self._signature.prefix, self._signature.separator
        if between:
            parts = value.split(between)
        else:
            parts = [value] if re.search(r"[,;]", prefix) else _BETWEEN_SIGNATURES.split(value)
        return [part.removeprefix(prefix) for part in parts if part.startswith(prefix)]


def decoded(text: str, encoding: Encoding) -> bytes | None:
    """Return the bytes of a signature, None where it is not written so. Hex is read in either case, base64 in either
    alphabet and without its padding.
    """
    try:
        return hex_bytes(text) if encoding is Encoding.HEX else base64_bytes(text)
    except ValueError:
        return None


def written(signature: bytes, encoding: Encoding) -> str:
    """Write a signature as a vendor does."""
    if encoding is Encoding.HEX:
        return signature.hex()
    if encoding is Encoding.BASE64URL:
        return base64.urlsafe_b64encode(signature).decode().rstrip("=")
    return base64.b64encode(signature).decode()


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _field(body: bytes, path: str) -> str:
    """Return the time in a body that is JSON, empty where it has none there."""
    try:
        return paths.word(paths.read(json_text.read(body), path)) or ""
    except ValueError:
        return ""
