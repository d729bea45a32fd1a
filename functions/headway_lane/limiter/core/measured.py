"""What is measured of the way to the vendor (hop 6), and the headroom and the proof that follow from it. Arithmetic.

Every caller knows three times of its call, on its own clock: its slot, when it went to the socket, and when the answer
was there. When the call arrived it does not know. But the least time from slot to answer that anybody has seen lately
(`least_answer_us`) holds the shortest way there and back and the vendor's least time; what an answer took beyond it is
the most by which that call can have been later than the promptest. That is an estimate: it takes the vendor's least
time, and the shortest way, for the same for all callers. The spread of these times is what a headroom has to cover.

Where the spread is far wider than any headroom, the vendor takes its time, and an answer tells nothing about the
arrival. Then no answer keeps anybody back, and the promise rests on the headroom alone.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

from headway_lane.contract.tuning import LEARNED_HEADROOM_LIMIT_MS

EDGES_US: Final[tuple[int, ...]] = tuple(
    ms * 1_000
    for ms in (1, 2, 3, 5, 7, *range(10, 100, 5), *range(100, 151, 10), 200, 300, 500, 750, 1_000, 2_000, 5_000, 10_000)
)
"""Upper ends of the classes that times are counted in: fine where a headroom lies."""
WEIGHT: Final = 16
"""What one time counts for, so that halving keeps what is rare for a while."""
KEPT_COUNT: Final = 400
"""Beyond so many times all counts are halved: what is older than some hundred calls fades."""
EPOCH_COUNT: Final = 200
"""The least answer time is that of the last one or two epochs of so many calls: a vendor may become slower."""
ENOUGH_COUNT: Final = 20
"""Below so many times nothing is concluded from them."""
UNSEEN_SPANS: Final = 8
"""Of n calls that are late by up to a span, the promptest is late by less than 8/n of it, but for one case of 3,000."""
COVERED_SHARE: Final = 0.92
"""Share of calls that a learned headroom covers. The others cost a floor each, which costs less than a headroom for the
very last of them: of 30 ms of exponential jitter 0.92 leaves 0.90 of a contract, 0.97 leaves 0.89, 0.99 0.87.
"""
TELLING_US: Final = LEARNED_HEADROOM_LIMIT_MS * 1_000
"""The spread beyond which an answer tells nothing about the arrival: no headroom would cover it."""
UNTELLING_SHARE: Final = 0.1
"""Answers tell nothing where more than this share of them lies beyond TELLING_US."""
UNTOLD_HEADROOM_US: Final = 40_000
"""Headroom where answers tell nothing and it has to cover the way alone: 0 violations at 20/s on a busy laptop, 0.96 of
the contract (docs/contract.md).
"""
SAMPLES_DUE_COUNT: Final = 50
SAMPLES_DUE_US: Final = 30_000_000
"""When a worker writes down what it has measured: one that calls once a second pays one write for thirty calls."""


class Sample(NamedTuple):
    """One call's times, from its slot on: to the socket, and to its answer."""

    left_us: int
    answered_us: int


@dataclass(frozen=True, slots=True)
class Times:
    """How many times lay in each class of EDGES_US, times WEIGHT; the last class is open."""

    counts: tuple[int, ...] = (0,) * (len(EDGES_US) + 1)

    @property
    def count(self) -> float:
        """How many times are remembered."""
        return sum(self.counts) / WEIGHT

    def adding(self, times_us: Iterable[int]) -> Self:
        """Return these and more; older ones fade."""
        counts = list(self.counts)
        for time_us in times_us:
            counts[bisect_left(EDGES_US, time_us)] += WEIGHT
        while sum(counts) > KEPT_COUNT * WEIGHT:
            counts = [count // 2 for count in counts]
        return replace(self, counts=tuple(counts))

    def quantile_us(self, share: float) -> int | None:
        """Return the end of the class below which so large a share of the times lies; the last end where it is in the
        open class, None without any times.
        """
        wanted, held = share * sum(self.counts), 0
        for index, count in enumerate(self.counts):
            held += count
            if count and held >= wanted:
                return EDGES_US[min(index, len(EDGES_US) - 1)]
        return None

    def share_above(self, time_us: int) -> float:
        """Return the share of times beyond one of EDGES_US; 0 without any."""
        above = sum(self.counts[bisect_left(EDGES_US, time_us) + 1 :])
        return above / (sum(self.counts) or 1)


@dataclass(frozen=True, slots=True)
class Measured:
    """The times of a budget's last calls: from slot to socket, from socket to answer, and what answers took beyond the
    least. `least_us` are the least times from slot to answer in this epoch and the one before, None without any.
    """

    left: Times = Times()
    answered: Times = Times()
    spread: Times = Times()
    least_us: tuple[int | None, int | None] = (None, None)
    epoch_count: int = 0

    @property
    def too_few(self) -> bool:
        """Whether nothing can be concluded yet."""
        return self.spread.count < ENOUGH_COUNT

    @property
    def least_answer_us(self) -> int:
        """The least time from slot to answer lately, less what a promptest call of so few may have been late by; 0
        while too few are known: then an answer proves itself only.
        """
        if self.too_few:
            return 0
        unseen_us = UNSEEN_SPANS * (self.spread.quantile_us(COVERED_SHARE) or 0) / min(self.spread.count, EPOCH_COUNT)
        return max(0, self._least_us - int(unseen_us))

    @property
    def tells(self) -> bool:
        """Whether an answer tells when its call arrived."""
        return self.too_few or self.spread.share_above(TELLING_US) <= UNTELLING_SHARE

    @property
    def headroom_us(self) -> int:
        """The headroom that these times ask for: half of the widest while they are too few, and floors from the
        answers themselves.
        """
        if self.too_few:
            return TELLING_US // 2
        return (self.spread.quantile_us(COVERED_SHARE) or 0) if self.tells else UNTOLD_HEADROOM_US

    def adding(self, samples: Sequence[Sample]) -> "Measured":
        """Return this with the times of more calls."""
        if not samples:
            return self
        now_us, before_us = self.least_us
        epoch_count = self.epoch_count + len(samples)
        least_us = min(sample.answered_us for sample in samples)
        now_us = least_us if now_us is None else min(now_us, least_us)
        if epoch_count >= EPOCH_COUNT:
            now_us, before_us, epoch_count = None, now_us, 0
        after = replace(self, least_us=(now_us, before_us), epoch_count=epoch_count)
        beyond_us = after._least_us
        return replace(
            after,
            left=self.left.adding(sample.left_us for sample in samples),
            answered=self.answered.adding(sample.answered_us - sample.left_us for sample in samples),
            spread=self.spread.adding(max(0, sample.answered_us - beyond_us) for sample in samples),
        )

    @property
    def _least_us(self) -> int:
        return min((least_us for least_us in self.least_us if least_us is not None), default=0)


UNMEASURED: Final = Measured()


class Samples:
    """What one worker has measured and not written down yet, of one budget: written beside what has to be written
    anyhow, or by itself when it is due. `new` says that the worker has made no call yet, `reserving_us` how long its
    last reservation took.
    """

    __slots__ = ("_kept", "_since_us", "new", "reserving_us")

    def __init__(self) -> None:
        self.new = True
        self.reserving_us = 0
        self._kept: list[Sample] = []
        self._since_us: int | None = None

    def add(self, sample: Sample, now_us: int) -> None:
        """Keep the times of a call."""
        self.new = False
        if self._since_us is None:
            self._since_us = now_us
        self._kept.append(sample)

    def due(self, now_us: int, *, at_once: bool = False) -> bool:
        """Return whether it is time to write them down; `at_once` where there are any."""
        if self._since_us is None:
            return False
        return at_once or len(self._kept) >= SAMPLES_DUE_COUNT or now_us - self._since_us >= SAMPLES_DUE_US

    def drain(self) -> Sequence[Sample]:
        """Return what was kept, and forget it."""
        kept, self._kept, self._since_us = self._kept, [], None
        return kept
