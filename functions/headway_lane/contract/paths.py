"""Dotted paths into JSON documents (`data.object.id`), as contract files write them, and what is read there.

Where the document has a list, a number is a place in it, from 0 on (`data.0.id`).
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

from headway_lane.runtime.written import Written

IDENTIFIER_BYTES: Final = 1_024
"""The longest job ID, in UTF-8: behind its vendor's name it is a key of DynamoDB, which takes 2,048 bytes."""
_SEPARATORS: Final = re.compile(r"[/\\]")


def read(document: Any, path: str) -> Any:
    """Return the value at a dotted path, or None where any part of the way is missing."""
    value = document
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def identifier(value: Any) -> str | None:
    """Return a job ID as text: vendors write it as text or as a number, of which no digit may be lost.

    None where it is neither, where it is empty or longer than `IDENTIFIER_BYTES`, where it would leave its place in a
    path, and where UTF-8 cannot write it: JSON can spell half a surrogate pair.
    """
    if not isinstance(value, str | int | Written) or isinstance(value, bool):
        return None
    text = _number(value) if isinstance(value, Written) else str(value)
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        return None
    return text if 0 < size_bytes <= IDENTIFIER_BYTES and not leaves_its_place(text) else None


def leaves_its_place(text: str) -> bool:
    """Return whether a text would lead elsewhere as a part of a URL's path: `.` and `..` are resolved on the way.

    Encoding does not help, because it is undone, and by some more than once (RFC 3986, 6.2.2). `;` begins parameters of
    a part, which some servers cut off.
    """
    while (decoded := unquote(text)) != text:
        text = decoded
    return any(part.partition(";")[0].strip() in (".", "..") for part in _SEPARATORS.split(text))


def word(value: Any) -> str | None:
    """Return a status as text, a JSON boolean as `true` or `false`. None where it is no word."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Written):
        return _number(value)
    return str(value) if isinstance(value, str | int) else None


def _number(value: Written) -> str:
    """Return a whole number without the point or exponent that some writers give it, any other as it was written."""
    exact = Decimal(value.text)
    return str(int(exact)) if exact == exact.to_integral_value() else value.text


def write(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `document` with `value` at a dotted path; missing objects on the way are made.

    Raises ValueError where a part of the way exists and is not an object: the payload and the contract disagree.
    """
    head, dot, rest = path.partition(".")
    copy = dict(document)
    if not dot:
        copy[head] = value
        return copy
    inner = copy.get(head, {})
    if not isinstance(inner, Mapping):
        raise ValueError(  # noqa: TRY004 - the document is wrong, not the caller
            f"`{head}` is not an object, so `{path}` cannot be written"
        )
    copy[head] = write(inner, rest, value)
    return copy
