"""What all signatures share: an age within its tolerance, keys that can be used, a comparison in constant time."""

import hmac
from collections.abc import Callable, Sequence

from headway_lane.runtime.errors import Forged


def check_age(place: str, signed_epoch_s: float, received_epoch_s: float, tolerance_s: float) -> None:
    """Raise Forged where more than the tolerance lies between signature and receipt, either way; `place` is named."""
    age_s = received_epoch_s - signed_epoch_s
    if abs(age_s) > tolerance_s:
        raise Forged(f"{place} is {'old' if age_s > 0 else 'in the future'}")


def any_equal(expected: Sequence[str], given: Sequence[str]) -> bool:
    """Compare each with each, in constant time."""
    return any(hmac.compare_digest(as_bytes(one), as_bytes(other)) for one in expected for other in given)


def as_bytes(text: str) -> bytes:
    """Return any text as bytes. UTF-8 has no half of a surrogate pair, but JSON can spell one, and anybody send it."""
    return text.encode(errors="surrogatepass")


def usable(keys: Sequence[str], decode: Callable[[str], bytes]) -> list[bytes]:
    """Leave out keys that cannot be read, and empty ones: an empty key would verify what anybody signs."""
    found = []
    for key in keys:
        try:
            found.append(decode(key))
        except ValueError:
            continue
    return [key for key in found if key]
