"""The signed text of a description: put together once from a callback, in each way in which it may have been meant.

A stranger may ask for this before anything is proved, so that sizes are bounded: unpacked bytes, fields, nesting.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from headway_lane.contract import paths
from headway_lane.contract.signature import (
    ACCOUNT,
    BODY,
    FIELD,
    FORM,
    HEADER,
    KEY,
    PIECE,
    QUERY,
    TIMESTAMP,
    URL,
    Signature,
    is_json,
)
from headway_lane.messages import json_text, packed
from headway_lane.runtime.errors import Forged, Malformed
from headway_lane.runtime.written import Written
from headway_lane.verification.proof import as_bytes

FIELDS_COUNT: Final = 10_000
"""The most fields of a form."""
WRITTEN_BYTES: Final = 65_536
"""The largest body with fractions that is written again: digit by digit, which takes a tenth of a second."""
_FRACTION: Final = re.compile(rb"[0-9][.eE]")
METHOD: Final = "POST"
"""The callback API takes no other."""
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
Pieces = Sequence[bytes | None]
"""The signed text; None where the key stands."""


@dataclass(frozen=True)
class Signed:
    """What a description takes its pieces from; header names are lower case."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    url: str
    timestamp: str
    body: bytes

    @cached_property
    def document(self) -> Any:
        """The body as JSON; Forged where it is none."""
        try:
            return json_text.read(self.body)
        except ValueError as error:
            raise Forged("the body is not JSON, and the signature is over values of it") from error

    def piece(self, name: str) -> bytes:
        """Return a piece by its name; Forged where the callback has none of it."""
        if name == BODY:
            return self.body
        if name == FORM:
            return form(self.body)
        if is_json(name):
            return _written_again(self.document, self.body, name)
        if name.startswith("body_"):
            return _digest(self.body, name)
        for beginning, read in ((HEADER, self._header), (QUERY, self._query), (FIELD, self._field)):
            if name.startswith(beginning):
                return as_bytes(read(name.removeprefix(beginning)))
        parts = urlsplit(self.url)
        plain = {TIMESTAMP: self.timestamp, URL: self.url, "path": parts.path, "host": parts.netloc, "method": METHOD}
        return as_bytes(plain[name])

    def _header(self, name: str) -> str:
        try:
            return self.headers[name.lower()]
        except KeyError as error:
            raise Forged(f"the header {name!r} is missing") from error

    def _query(self, name: str) -> str:
        try:
            return self.query[name]
        except KeyError as error:
            raise Forged(f"the value {name!r} of the query is missing") from error

    def _field(self, path: str) -> str:
        text = paths.word(paths.read(self.document, path))
        if text is None:
            raise Forged(f"the body has no text at `{path}`, which should be signed")
        return text


def variants(signature: Signature, signed: Signed) -> Iterator[Pieces]:
    """Yield the signed text in each way that vendors have: the body as it came and unpacked; the URL as the vendor was
    told it, with its default port and without.
    """
    for body in _bodies(signature, signed.body):
        for url in _urls(signature, signed.url):
            yield pieces(signature, Signed(signed.headers, signed.query, url, signed.timestamp, body))


def pieces(signature: Signature, signed: Signed) -> Pieces:
    """Return the signed text in pieces; Forged where the callback lacks one."""
    given = {KEY: None, ACCOUNT: as_bytes(signature.account or "")}
    known: dict[str, bytes | None] = {}
    for name in signature.pieces:
        if name not in known:
            known[name] = given[name] if name in given else signed.piece(name)
    split = PIECE.split(signature.signed)  # text, name, text, name, ..., text
    return [known[part] if place % 2 else part.encode() for place, part in enumerate(split)]


def form(body: bytes) -> bytes:
    """Return the names and values of a form, each pair once, sorted, with nothing between them."""
    text = body.decode(errors="surrogateescape")
    try:
        fields = parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=FIELDS_COUNT)
    except ValueError as error:
        raise Forged(f"the form has more than {FIELDS_COUNT:,} fields") from error
    return "".join(name + value for name, value in sorted(set(fields))).encode(errors="surrogateescape")


def _bodies(signature: Signature, body: bytes) -> Iterator[bytes]:
    """Yield the body as it came and, where it is packed, what is in it. Single values are read of the latter only, as
    an event is.
    """
    reread = bool(signature.fields) or any(is_json(name) for name in signature.pieces)
    is_packed = packed.is_packed(body)
    if not (reread and is_packed):
        yield body
    if is_packed and FORM not in signature.pieces:
        try:
            yield packed.unpacked(body)
        except Malformed as error:
            raise Forged(str(error)) from error


def _urls(signature: Signature, url: str) -> Iterator[str]:
    yield url
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if not default or not {URL, "host"} & set(signature.pieces):
        return
    if parts.port is None:
        yield parts._replace(netloc=f"{parts.netloc}:{default}").geturl()
    elif parts.port == default:
        yield parts._replace(netloc=parts.netloc.removesuffix(f":{default}")).geturl()


def _digest(body: bytes, name: str) -> bytes:
    kind, _, form_of_text = name.removeprefix("body_").partition("_")
    if kind == "crc32":
        return str(zlib.crc32(body)).encode()
    digest = hashlib.new(kind, body)
    return base64.b64encode(digest.digest()) if form_of_text else digest.hexdigest().encode()


def _written_again(document: Any, body: bytes, name: str) -> bytes:
    """Write a document as compactly as can be, or as the name says: sorted by key, in ASCII, with blanks."""
    words = name.split("_")
    marks = _SEPARATORS["spaced" in words]
    try:
        if not _FRACTION.search(body):
            is_ascii, is_sorted = "ascii" in words, "sorted" in words
            return as_bytes(json.dumps(document, ensure_ascii=is_ascii, sort_keys=is_sorted, separators=marks))
        if len(body) > WRITTEN_BYTES:
            raise Forged(f"the body is larger than {WRITTEN_BYTES:,} bytes, and has fractions to be written again")
        return as_bytes(_text(document, "sorted" in words, "ascii" in words, *marks))
    except RecursionError as error:
        raise Forged("the body is nested too deeply") from error


_SEPARATORS: Final = {False: (",", ":"), True: (", ", ": ")}


def _text(value: Any, is_sorted: bool, is_ascii: bool, comma: str, colon: str) -> str:
    """Write JSON whose numbers keep the digits that they came with, which the standard library's floats lose."""
    inner: Callable[[Any], str] = partial(_text, is_sorted=is_sorted, is_ascii=is_ascii, comma=comma, colon=colon)
    if isinstance(value, Mapping):
        items = sorted(value.items()) if is_sorted else value.items()
        return (
            "{" + comma.join(f"{json.dumps(key, ensure_ascii=is_ascii)}{colon}{inner(one)}" for key, one in items) + "}"
        )
    if isinstance(value, list):
        return "[" + comma.join(map(inner, value)) + "]"
    return value.text if isinstance(value, Written) else json.dumps(value, ensure_ascii=is_ascii)
