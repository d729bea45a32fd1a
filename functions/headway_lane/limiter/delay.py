"""Plain pacing (hop 4): a fixed pause before every call, from the operator's delay and rate. Arithmetic only.

The dispatchers of one vendor do not know of each other: with `c` of them, each must leave `c / rate` seconds between
two calls for all of them together to stay at `rate`. Shared permits (`permits`) are the other way.
"""

from collections.abc import Callable

from headway_lane.contract.tuning import Tuning


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
