"""The body of a callback (hop 10) as documents, whatever it was packed and written in.

In: the bytes as they came, which the signature was verified over. Out: documents of texts, numbers, lists and objects.
Everything that says how to read is in the bytes or in the contract: a header that nobody has signed decides nothing.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from email.parser import BytesHeaderParser
from typing import Any, Final
from urllib.parse import parse_qsl

from headway_lane.contract.exchange import CHARSETS, BodyFormat, Callback
from headway_lane.contract.signature import BODY, FORM, Signature
from headway_lane.messages import json_text
from headway_lane.messages.packed import unpacked
from headway_lane.runtime.errors import Malformed
from headway_lane.verification.signed_text import FIELDS_COUNT

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MULTIPART: Final = re.compile(rb"\s*--([^\r\n]{1,70})\r?\n(?=(?:[^\r\n]+\r?\n)*?content-disposition:)", re.IGNORECASE)
"""The first line of a multipart body: its boundary has at most 70 characters (RFC 2046, 5.1.1)."""
_CHARSET_FIELDS: Final = ("_charset_", "charset")
"""Fields in which a form says how it is written (HTML standard, 4.10.21.5; PayPal, IPN variables)."""


def documents(callback: Callback, raw: bytes) -> tuple[Sequence[Any], Malformed | None]:
    """Return what a body says: one document, or several where its lines are JSON each. Beside them the complaint about
    the first line that is none. Malformed where nothing can be read.
    """
    if callback.body is BodyFormat.FORM and _fields_are_signed(callback.verification):
        return [_form(sorted(set(_urlencoded(raw))), callback.charset)], None  # their order is not signed
    plain = unpacked(raw)
    if callback.body is BodyFormat.FORM:
        return [_form(_fields(plain), callback.charset)], None
    if callback.body is BodyFormat.XML:
        from headway_lane.callback import xml_body

        return [xml_body.document(plain)], None
    return _json(_text(plain, callback.charset or json.detect_encoding(plain)))


def _fields_are_signed(verification: str | Signature) -> bool:
    """Return whether the signature is over names and values of the form, not over its bytes: then nothing is read in
    another way than they were signed.
    """
    return isinstance(verification, Signature) and FORM in verification.pieces and BODY not in verification.pieces


def _text(raw: bytes, charset: str) -> str:
    """Decode by the mark in front, or by `charset`.

    Bytes that are none of its become U+FFFD: the signature was checked over the bytes, and a job must not wait for ever
    because of a character in its result.
    """
    for mark, marked in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(marked, errors="replace")
    return raw.decode(CHARSETS.get(charset, charset), errors="replace")


def _json(text: str) -> tuple[Sequence[Any], Malformed | None]:
    try:
        return [json_text.read(text)], None
    except ValueError as error:
        found, bad_count = _by_lines(text)
        if not found:
            raise Malformed("the callback is not JSON") from error
    return found, Malformed(f"{bad_count} lines of the callback are not JSON") if bad_count else None


def _by_lines(text: str) -> tuple[Sequence[Any], int]:
    """Return the documents of lines that are JSON each, and how many are none. What is no list of lines shows by the
    first.
    """
    found, bad_count = [], 0
    for line in _lines(text):
        try:
            found.append(json_text.read(line))
        except ValueError:
            if not found:
                break
            bad_count += 1
    return found, bad_count


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of NDJSON, and the records of a JSON sequence (RFC 7464), that have anything in them."""
    return (line for line in text.replace("\x1e", "\n").split("\n") if line.strip())


def _fields(raw: bytes) -> list[tuple[str, bytes]]:
    """Return names and values of a form of either kind: of both the bytes, the name's as characters of Latin-1."""
    found = _MULTIPART.match(raw)
    return list(_parts(raw, found[1].rstrip())) if found else _urlencoded(raw)


def _form(fields: Sequence[tuple[str, bytes]], charset: str | None) -> dict[str, str]:
    """Decode a form by the contract's charset, or its own; of a field that comes twice the last counts."""
    said = {name: value.decode("ascii", errors="replace").strip().lower() for name, value in fields}
    named = (said[name] for name in _CHARSET_FIELDS if said.get(name) in CHARSETS)
    chosen = charset or next(named, "utf-8")
    return {_text(name.encode("latin-1"), chosen): _text(value, chosen) for name, value in fields}


def _urlencoded(raw: bytes) -> list[tuple[str, bytes]]:
    try:
        pairs = parse_qsl(
            raw.removeprefix(codecs.BOM_UTF8).decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
            max_num_fields=FIELDS_COUNT,
        )
    except ValueError as error:
        raise _too_many() from error
    return [(name, value.encode("latin-1")) for name, value in pairs]


def _parts(raw: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the fields of multipart/form-data (RFC 7578), which has no parts within parts."""
    delimiter = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|$)")
    for number, part in enumerate(delimiter.split(raw)[2::2]):
        if number >= FIELDS_COUNT:
            raise _too_many()
        head, _, value = re.sub(rb"^\r?\n", b"", part, count=1).replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
        headers = BytesHeaderParser().parsebytes(head)
        name = headers.get_param("name", header="content-disposition")
        if isinstance(name, str):
            yield name.encode("ascii", errors="surrogateescape").decode("latin-1"), value


def _too_many() -> Malformed:
    return Malformed(f"the callback has more than {FIELDS_COUNT:,} fields")
