"""What all signatures share: an age within its tolerance, keys that can be used, a comparison in constant time.

What a stranger's callback may cost is bounded here: so many signatures are compared with so many keys.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

from headway_lane.runtime.errors import Forged

MOST_KEYS: Final = 8
"""Keys of a vendor: two during a rotation, and room for its environments."""
MOST_SIGNATURES: Final = 8
"""Signatures of a callback: one for each key that a vendor has in use."""
LEAST_TEXT_BYTES: Final = 4
"""What is shorter is a slip, or guessed at once; vendors' published examples have four and five."""
LEAST_BINARY_BYTES: Final = 16
"""Keys that are written in hex or base64 are made by a machine, of 128 bits at least (RFC 2104, 3, asks for more)."""
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+", re.ASCII)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}", re.ASCII)
"""Of either alphabet."""
_USUAL_ALPHABET: Final = str.maketrans("-_", "+/")


def check_age(place: str, signed_epoch_s: float, received_epoch_s: float, tolerance_s: float) -> None:
    """Raise Forged where more than the tolerance lies between signature and receipt, either way; `place` is named.

    What is no number lies within no tolerance.
    """
    age_s = received_epoch_s - signed_epoch_s
    if not abs(age_s) <= tolerance_s:
        raise Forged(f"{place} is {'in the future' if age_s < 0 else 'old'}")


def check_count(place: str, signatures: Sequence[str]) -> None:
    """Raise Forged where more signatures are given than are tried; `place` is named."""
    if len(signatures) > MOST_SIGNATURES:
        raise Forged(f"{place} has more than {MOST_SIGNATURES} signatures")


def any_equal(expected: Sequence[str], given: Sequence[str]) -> bool:
    """Compare each with each, in constant time."""
    return any(hmac.compare_digest(as_bytes(one), as_bytes(other)) for one in expected for other in given)


def as_bytes(text: str) -> bytes:
    """Return any text as bytes. UTF-8 has no half of a surrogate pair, but JSON can spell one, and anybody send it."""
    return text.encode(errors="surrogatepass")


def usable(keys: Sequence[str], read: Callable[[str], bytes]) -> list[bytes]:
    """Leave out what is no key of the scheme, and what is more than MOST_KEYS: it verifies nothing."""
    found = []
    for key in keys:
        try:
            found.append(read(key))
        except ValueError:
            continue
    return found[:MOST_KEYS]


def text_key(text: str) -> bytes:
    """Read a key whose characters are its bytes. ValueError, with a hint, where it is none: what everybody may know,
    such as a public key, is no secret.
    """
    if text.startswith("whpk_") or "-----BEGIN" in text:
        raise ValueError("it is a public key or a certificate; put the shared secret there")
    return _long(as_bytes(text), LEAST_TEXT_BYTES)


def hex_key(text: str) -> bytes:
    """Read a shared secret in hex. ValueError, with a hint, where it is none."""
    return _long(hex_bytes(text), LEAST_BINARY_BYTES)


def base64_key(text: str) -> bytes:
    """Read a shared secret in base64. ValueError, with a hint, where it is none."""
    return _long(base64_bytes(text), LEAST_BINARY_BYTES)


def hex_bytes(text: str) -> bytes:
    """Read hex of either case. ValueError, with a hint, where it is none."""
    if not _HEX.fullmatch(text):
        raise ValueError("it is not written in hex; copy it from the vendor once more, whole")
    return bytes.fromhex(text)


def base64_bytes(text: str) -> bytes:
    """Read base64 of either alphabet, with its padding or without. ValueError, with a hint, where it is none: what is
    skipped would leave a shorter one.
    """
    hint = "it is not written in base64; copy it from the vendor once more, whole"
    if not _BASE64.fullmatch(text):
        raise ValueError(hint)
    usual = text.rstrip("=").translate(_USUAL_ALPHABET)
    try:
        return base64.b64decode(usual + "=" * (-len(usual) % 4), validate=True)
    except ValueError:
        raise ValueError(hint) from None


def _long(key: bytes, least_bytes: int) -> bytes:
    if len(key) < least_bytes:
        raise ValueError(f"it has {len(key)} bytes, and whoever tries finds it; make it {least_bytes} at least")
    return key
