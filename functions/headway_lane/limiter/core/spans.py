"""Times as vendors write them in headers (hop 4): a text in, seconds from now out. Pure; what is no time is None.

Spans: seconds, durations as Go writes them (`6m0s`) or people (`30 seconds`), ISO 8601 (`PT1M30S`), clocks (`0:01:30`).
Points in time: epoch seconds to nanoseconds, RFC 3339, HTTP and mail dates.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MILLISECOND_S: Final = 0.001
EPOCH_FROM_S: Final = 1_000_000_000
"""A number from here on is a point in time (2001 and later): as a span it would be 31 years."""
EPOCHS: Final = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))
"""A number from the first on is a point in the second's parts of a second: as the next larger ones it would be in the
year 5138.
"""
LONGEST_TEXT: Final = 64
"""Characters; no time is written longer."""

_NUMBER: Final = re.compile(r"[0-9]{1,19}(\.[0-9]{1,40})?")
_AMOUNT: Final = r"([0-9]{1,15}(?:[.,][0-9]{1,40})?)"
_UNITS: Final = {
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": MILLISECOND_S,
    "us": 1e-6,
    "ns": 1e-9,
}
_SPELLINGS: Final = (
    ("ms", r"ms|msecs?|milliseconds?"),
    ("us", r"us|µs|μs"),
    ("ns", r"ns"),
    ("w", r"w|weeks?"),
    ("d", r"d|days?"),
    ("h", r"h|hrs?|hours?"),
    ("m", r"m|mins?|minutes?"),
    ("s", r"s|secs?|seconds?"),
)
"""How a unit is written. Of `m` and `ms` the longer one comes first."""
_PART: Final = re.compile(
    rf"\s*{_AMOUNT}\s*(?:{'|'.join(f'(?P<{unit}>{ways})' for unit, ways in _SPELLINGS)})(?![a-zµμ])", re.IGNORECASE
)
_ISO: Final = re.compile(
    rf"P(?=.)(?:{_AMOUNT}W)?(?:{_AMOUNT}D)?(?:T(?=.)(?:{_AMOUNT}H)?(?:{_AMOUNT}M)?(?:{_AMOUNT}S)?)?", re.IGNORECASE
)
_CLOCK: Final = re.compile(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,9})?)")
_RFC_3339: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+ ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?")


def span_s(text: str, now_s: float, unit_s: float = 1.0) -> float | None:
    """Return how many seconds from now (0 or more) a text means; None where it means no time. A small number without a
    unit counts units of `unit_s`; `now_s` is the epoch.
    """
    text = text.strip().strip('"').strip()
    if _NUMBER.fullmatch(text):
        return _of_number(float(text), now_s, unit_s)
    duration_s = _duration_s(text) if len(text) <= LONGEST_TEXT else None
    if duration_s is not None:
        return duration_s
    at_s = point_s(text)
    return None if at_s is None else max(0.0, at_s - now_s)


def number(text: str) -> float | None:
    """Return a number of 0 or more; None where the text is none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def point_s(text: str) -> float | None:
    """Return the epoch seconds of a date; None where the text is none. A date without a zone is UTC."""
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        return None
    try:
        at = datetime.fromisoformat(text.upper()) if _RFC_3339.fullmatch(text) else parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _of_number(value: float, now_s: float, unit_s: float) -> float:
    for least, parts in EPOCHS:
        if value >= least:
            return max(0.0, value / parts - now_s)
    if unit_s == 1.0 and value >= EPOCH_FROM_S:
        return max(0.0, value - now_s)
    return value * unit_s


def _duration_s(text: str) -> float | None:
    if iso := _ISO.fullmatch(text):
        return _sum_s(iso.groups(), ("w", "d", "h", "m", "s"))
    if clock := _CLOCK.fullmatch(text):
        return _sum_s(clock.groups(), ("h", "m", "s"))
    total_s, at = 0.0, 0
    while part := _PART.match(text, at):
        total_s, at = total_s + _sum_s((part[1],), (str(part.lastgroup),)), part.end()
    return total_s if at and not text[at:].strip() else None


def _sum_s(amounts: tuple[str | None, ...], units: tuple[str, ...]) -> float:
    return sum(
        float(amount.replace(",", ".")) * _UNITS[unit] for amount, unit in zip(amounts, units, strict=True) if amount
    )
