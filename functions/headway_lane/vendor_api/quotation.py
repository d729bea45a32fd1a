"""Quoting a vendor's error text in a cause: vendors repeat what they were sent, and a cause is for many eyes.

What proves us to the vendor, or the vendor to us, is taken out in the ways in which it may be written, also where the
vendor has cut it off.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_STEERING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
REMOVED: Final = "[removed]"
_CUT_LENGTH: Final = 8
"""The shortest beginning of a secret that is taken out; what is shorter is a word like others."""


def quoted(text: str, secrets: Iterable[str]) -> str:
    """Return a text without the secrets, and with spaces in the place of characters that would steer whoever shows it:
    controls, and marks that turn the direction of what follows.
    """
    for spelling in sorted({way for secret in secrets if secret for way in _spellings(secret)}, key=len, reverse=True):
        text = text.replace(spelling, REMOVED)
    return _STEERING.sub(" ", text)


def _spellings(secret: str) -> Iterator[str]:
    """Yield a secret as JSON, a URL, a form, base64 and Python's `repr` write it, and the beginnings of each."""
    data = secret.encode(errors="surrogatepass")
    ways = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", r"\/"),
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        repr(secret)[1:-1],
    }
    for way in ways:
        yield way
        yield from (way[:length] for length in range(_CUT_LENGTH, len(way)))
