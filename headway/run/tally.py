"""How a run stands at one moment: counts, pace and time left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RECENT_S: Final = 10.0
"""The window over which the live pace is measured."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines to be called, by where they are."""

    starting_count: int = 0
    queued_count: int = 0
    called_count: int = 0
    answered_count: int = 0
    succeeded_count: int = 0
    failed_count: int = 0


@dataclass(frozen=True, slots=True)
class LivePace:
    """Calls per second to a vendor over the last seconds, and what its tightest submit limit allows."""

    vendor: str
    rate_per_s: float
    contract_per_s: float


@dataclass(frozen=True, slots=True)
class RunTally:
    """A whole run at one moment; `skipped_count` had succeeded in an earlier run, `invalid_count` cannot be called."""

    counts: Counts
    skipped_count: int
    invalid_count: int
    elapsed_s: float
    paces: tuple[LivePace, ...]

    @property
    def done_count(self) -> int:
        """Lines with which nothing more happens."""
        return self.skipped_count + self.invalid_count + self.counts.succeeded_count + self.counts.failed_count

    @property
    def total_count(self) -> int:
        """All lines of the run."""
        counts = self.counts
        return self.done_count + (
            counts.starting_count + counts.queued_count + counts.called_count + counts.answered_count
        )

    @property
    def remaining_s(self) -> float | None:
        """Seconds left if lines go on to end as they did so far; None before the first one ended."""
        ended = self.counts.succeeded_count + self.counts.failed_count
        return (self.total_count - self.done_count) * self.elapsed_s / ended if ended else None


def recent_rate_per_s(sent_epoch_ms: Iterable[int], now_epoch_ms: int) -> float:
    """Return calls per second over the last RECENT_S, or since the first call if that was later, but 1 s at least."""
    start = now_epoch_ms - RECENT_S * 1_000
    recent = [sent for sent in sent_epoch_ms if start < sent]
    if not recent:
        return 0.0
    return len(recent) * 1_000 / min(RECENT_S * 1_000, max(1_000, now_epoch_ms - min(recent)))
