"""What a vendor says about its limits (hop 4): status and headers of an answer in, a cool-down for every caller out.

Pure, and deaf to what it cannot read: a malformed header is ignored. Nothing here ever speeds anybody up: a vendor
with much left over is called as fast as its contract says, and no faster.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

COOL_DOWN_S: Final = 1.0
"""Cool-down after a 429 that does not say for how long."""
LONGEST_COOL_DOWN_S: Final = 900.0
"""Longest cool-down that a vendor's word can cause; then somebody asks again."""
PLEADING: Final = frozenset({429, 503})
"""Only here `Retry-After` speaks of the next call; beside a 202 it says when to ask for the job's result."""
TOO_MANY_REQUESTS: Final = 429

EPOCH_FROM_S: Final = 1_000_000_000
"""A reset from here on is a point in time (2001 and later): as a span it would be 31 years."""
EPOCH_MS_FROM: Final = 100_000_000_000
"""A reset from here on is a point in milliseconds: as seconds it would be in the year 5138."""

_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_DATES: Final = ("x-amzn-remapped-date", "date")
"""The answer's own time. API Gateway writes a `Date` of its own, and keeps the vendor's under the first name."""


class Reason(StrEnum):
    """Why everybody is cooling down; stored with the reservations, published as a metric."""

    RETRY_AFTER = "retry_after"
    """A 429 or 503 with `Retry-After`."""
    RATE_LIMIT_HEADER = "rate_limit_header"
    """Nothing remains until a reset, by `RateLimit` and its older forms; also beside a call that was taken."""
    HTTP_429 = "http_429"
    """A 429 that says no more."""
    CIRCUIT = "circuit"
    """The vendor failed so often in a row that only probes are sent."""


@dataclass(frozen=True, slots=True)
class CoolDown:
    """Nobody calls for `duration_s`, above 0 and LONGEST_COOL_DOWN_S at most."""

    duration_s: float
    reason: Reason

    @property
    def asked_s(self) -> float | None:
        """Return for how long the vendor asked; None where it did not say."""
        return None if self.reason is Reason.HTTP_429 else self.duration_s


def cool_down_of(status: int, headers: Mapping[str, str], epoch_s: float) -> CoolDown | None:
    """Return the cool-down that an answer asks for; None where it asks for none.

    `epoch_s` is our clock, for points in time that come without the vendor's own `Date`. Retry-After goes before the
    other headers (RFC 9110; so does the draft of `RateLimit`). A wish that is over, or of no time at all, says nothing.
    """
    said = {name.lower(): value for name, value in headers.items()}
    now_s = next((at_s for name in _DATES if (at_s := _date_s(said.get(name, ""))) is not None), epoch_s)
    after_s = _retry_after_s(said.get("retry-after", ""), now_s) if status in PLEADING else None
    if after_s:
        return CoolDown(min(after_s, LONGEST_COOL_DOWN_S), Reason.RETRY_AFTER)
    resets = (_span_s(reset, now_s) for left, reset in _limits(said) if _spent(left, status))
    reset_s = max((reset_s for reset_s in resets if reset_s is not None), default=0.0)
    if reset_s > 0:
        return CoolDown(min(reset_s, LONGEST_COOL_DOWN_S), Reason.RATE_LIMIT_HEADER)
    return CoolDown(COOL_DOWN_S, Reason.HTTP_429) if status == TOO_MANY_REQUESTS else None


def _limits(said: Mapping[str, str]) -> Iterator[tuple[str | None, str | None]]:
    """Yield what remains and the reset of every limit that is told of, as they are written."""
    known: dict[str, str] = {}
    for item in _QUOTED.sub("q", said.get("ratelimit", "")).split(","):
        pairs = (part.partition("=") for part in item.split(";"))
        fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if "r" in fields or "t" in fields:
            yield fields.get("r"), fields.get("t")
        known |= fields
    yield known.get("remaining"), known.get("reset")
    for prefix in ("ratelimit", "x-ratelimit"):
        yield said.get(f"{prefix}-remaining"), said.get(f"{prefix}-reset")


def _spent(left: str | None, status: int) -> bool:
    """Return whether a limit is used up: nothing is left, or a 429 does not say how much."""
    return status == TOO_MANY_REQUESTS if left is None else _number(left) == 0


def _retry_after_s(value: str, now_s: float) -> float | None:
    seconds = _number(value)
    if seconds is not None:
        return seconds
    at_s = _date_s(value)
    return None if at_s is None else max(0.0, at_s - now_s)


def _span_s(reset: str | None, now_s: float) -> float | None:
    """Read a reset as seconds from now, whether it is written as that, as epoch seconds or as epoch milliseconds."""
    value = _number(reset or "")
    if value is None or value < EPOCH_FROM_S:
        return value
    return max(0.0, (value / 1_000 if value >= EPOCH_MS_FROM else value) - now_s)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _date_s(text: str) -> float | None:
    """Read an HTTP-date as epoch seconds; one without a zone is UTC."""
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
