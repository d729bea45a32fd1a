"""How a run stands at one moment: counts, pace and time left. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RECENT_S: Final = 10.0
"""The window over which the live pace is measured."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines to be called, by where they are."""

    unstarted_count: int = 0
    queued_count: int = 0
    called_count: int = 0
    answered_count: int = 0
    succeeded_count: int = 0
    failed_count: int = 0
    changed_count: int = 0
    """Lines that were changed in the input while the run went on."""


@dataclass(frozen=True, slots=True)
class LivePace:
    """Calls per second to a vendor over the last seconds, and what its tightest submit limit allows."""

    vendor: str
    rate_per_s: float
    contract_per_s: float


@dataclass(frozen=True, slots=True)
class LaneWait:
    """Calls that wait in one queue of a lane, of this run and of others, and the soft limit for both together."""

    vendor: str
    urgent: bool
    waiting_count: int
    others_count: int
    limit_count: int


@dataclass(frozen=True, slots=True)
class RunTally:
    """A whole run at one moment; `skipped_count` had succeeded in an earlier run, `invalid_count` cannot be called."""

    counts: Counts
    skipped_count: int
    invalid_count: int
    elapsed_s: float
    paces: tuple[LivePace, ...]
    waits: tuple[LaneWait, ...] = ()

    @property
    def done_count(self) -> int:
        """Lines with which nothing more happens."""
        counts = self.counts
        ended_count = counts.succeeded_count + counts.failed_count + counts.changed_count
        return self.skipped_count + self.invalid_count + ended_count

    @property
    def total_count(self) -> int:
        """All lines of the run."""
        counts = self.counts
        return self.done_count + (
            counts.unstarted_count + counts.queued_count + counts.called_count + counts.answered_count
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
