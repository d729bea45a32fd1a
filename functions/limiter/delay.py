"""Plain pacing (hop 4): a fixed pause before every call, from the operator's delay and rate. Arithmetic only.

The dispatchers of one vendor do not know of each other: with `c` of them, each must leave `c / rate` seconds between
two calls for all of them together to stay at `rate`. Shared permits will take this file's place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from functions.contract.vendor import Scope, Vendor

DEFAULT_SHARE: Final = 0.75
"""Share of the contract that plain pacing uses where the operator says nothing: every setting that was measured
without a violation stayed at 0.75 to 0.82.
"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an operator sets at run time: the least pause between two calls, and calls per second of all dispatchers."""

    delay_ms: int
    rate_per_s: float

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `tuning.schema.json`."""
        return cls(delay_ms=document["delay_ms"], rate_per_s=document["rate_per_s"])

    @classmethod
    def default_of(cls, vendor: Vendor) -> Self:
        """Draw the tuning from the contract alone."""
        return cls(delay_ms=0, rate_per_s=DEFAULT_SHARE * vendor.max_rps(Scope.SUBMIT))


def pause_us(tuning: Tuning, ceiling_per_s: float, dispatchers_count: int) -> int:
    """Return the pause before each call of one dispatcher, in microseconds, rounded up.

    The operator's rate never lifts the contract's (`ceiling_per_s`, calls/s of all dispatchers together).
    """
    rate_per_s = min(tuning.rate_per_s, ceiling_per_s)
    spacing_us = -int(-dispatchers_count * 1_000_000 // rate_per_s)
    return max(tuning.delay_ms * 1_000, spacing_us)


class Pacer:
    """Makes one dispatcher wait its pause, counted from the call before, on the clock that it is given."""

    def __init__(self, monotonic_us: Callable[[], int], sleep_us: Callable[[int], None]) -> None:
        self._monotonic_us = monotonic_us
        self._sleep_us = sleep_us
        self._last_us: int | None = None

    def wait(self, pause_us: int) -> None:
        """Return `pause_us` after the last return at the earliest; the first call of a worker waits its whole pause,
        because another worker may just have ended.
        """
        now_us = self._monotonic_us()
        since_us = 0 if self._last_us is None else now_us - self._last_us
        if since_us < pause_us:
            self._sleep_us(pause_us - since_us)
            now_us = self._monotonic_us()
        self._last_us = now_us
