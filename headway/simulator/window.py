"""The arithmetic of a rate contract: integer microseconds in, verdicts out. Nothing reads a clock.

A contract of N calls per W holds when no half-open window [s, s + W) sees more than N arrivals, wherever it starts.
Such a window exists exactly when some arrival t has more than N arrivals, itself included, in (t - W, t], so one look
back from every arrival is enough.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

US_PER_S = 1_000_000
MIN_CALLS_FOR_UTILISATION = 10  # below this, leaving out both ends leaves nothing steady to measure


@dataclass(frozen=True, slots=True)
class Decision:
    """A limiter's answer to one arrival; `retry_after_us` is 0 when the call is admitted."""

    admitted: bool
    remaining: int
    retry_after_us: int


class SlidingWindow:
    """Admits at most `amount` arrivals in any half-open window of `per_us`; a refused arrival uses up nothing."""

    def __init__(self, amount: int, per_us: int) -> None:
        if amount < 1 or per_us < 1:
            raise ValueError(f"a window needs amount >= 1 and per_us >= 1, not {amount} and {per_us}")
        self.amount = amount
        self.per_us = per_us
        self.admitted_count = 0
        self.refused_count = 0
        self._recent_us: deque[int] = deque()

    def arrive(self, now_us: int) -> Decision:
        """Admit or refuse a call arriving at `now_us`, which must not be before the previous arrival."""
        while self._recent_us and self._recent_us[0] <= now_us - self.per_us:
            self._recent_us.popleft()
        if len(self._recent_us) >= self.amount:
            self.refused_count += 1
            return Decision(admitted=False, remaining=0, retry_after_us=self._recent_us[0] + self.per_us - now_us)
        self._recent_us.append(now_us)
        self.admitted_count += 1
        return Decision(admitted=True, remaining=self.amount - len(self._recent_us), retry_after_us=0)


def worst_window(arrivals_us: Sequence[int], per_us: int) -> int:
    """Return the most arrivals that any half-open window of `per_us` saw."""
    return max(_seen_by_each_arrival(arrivals_us, per_us), default=0)


def violations(arrivals_us: Sequence[int], amount: int, per_us: int) -> int:
    """Count the arrivals that found the window already full, whether or not those before them were admitted."""
    return sum(seen > amount for seen in _seen_by_each_arrival(arrivals_us, per_us))


def utilisation(arrivals_us: Sequence[int], amount: int, per_us: int, trim: float = 0.1) -> float | None:
    """Return the share of the contract used in the steady state, or None when there is too little to tell.

    The first and the last `trim` of the calls are left out. What is kept is measured as intervals, not calls, so that
    perfectly even spacing at the contracted rate gives exactly 1.0.
    """
    ordered_us = sorted(arrivals_us)
    if len(ordered_us) < MIN_CALLS_FOR_UTILISATION:
        return None
    cut = int(len(ordered_us) * trim)
    kept_us = ordered_us[cut : len(ordered_us) - cut]
    if len(kept_us) < 2 or kept_us[-1] == kept_us[0]:
        return None
    return (len(kept_us) - 1) * per_us / ((kept_us[-1] - kept_us[0]) * amount)


def _seen_by_each_arrival(arrivals_us: Sequence[int], per_us: int) -> Iterator[int]:
    """Yield, for each arrival t in order, how many arrivals up to and including it lie in (t - per_us, t]."""
    ordered_us = sorted(arrivals_us)
    oldest = 0
    for index, at_us in enumerate(ordered_us):
        oldest = bisect_right(ordered_us, at_us - per_us, lo=oldest)
        yield index - oldest + 1
