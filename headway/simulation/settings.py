"""What is simulated: the contract, how many call under it, and everything that goes wrong on the way. Microseconds."""

from dataclasses import dataclass, fields

from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, LEARNED_HEADROOM_LIMIT_MS
from headway_lane.limiter.core.calling import GRACE_SHARE

from headway.simulation.spread import LARGEST_COUNT, Shape


def headroom_for(jitter_us: int, skew_us: int) -> int:
    """Return the least headroom under which the promise holds by arithmetic.

    Two calls come closer than their slots by jitter and skew at most. A caller may leave late by 1/GRACE_SHARE of the
    headroom, however small the jitter: the headroom has to be 1.5 times the skew at least.
    """
    return max(jitter_us + skew_us, -(-skew_us * GRACE_SHARE // (GRACE_SHARE - 1)))


def learned_us(headroom_us: int | None) -> tuple[int, int]:
    """Return the least headroom and its limit: equal where it is set, the tuning's own where it is learned."""
    if headroom_us is not None:
        return headroom_us, headroom_us
    return DEFAULT_HEADROOM_MS * 1_000, LEARNED_HEADROOM_LIMIT_MS * 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """One simulation. Raises ValueError where it makes no sense.

    jitter: from the slot, on the caller's clock, to the vendor's door; a late start included, at most.
    doubled_after: from so many arrivals on the jitter is twice as large.
    headroom: None where it is learned from what is measured.
    skew: every clock is off by a fixed time, uniform in [-skew/2, skew/2].
    reservation: from a read of the reservations to its write, on average; uniform within half of that to either side.
    start: from the dispatcher's word until the caller runs, on average; exponential.
    answer: from the door to the answer; fixed, or the mean of an exponential time.
    crash: share of reservations whose dispatcher dies before it has used all of them.
    duplicate: share of messages that the ledger knows already.
    stray: share of calls that arrive later than the jitter allows, by up to `stray_us`.
    """

    limits: tuple[Limit, ...] = (Limit(20, 1, Scope.SUBMIT),)
    calls_count: int = 1_000_000
    vendors_count: int = 1
    dispatchers_count: int = 50
    batch_size: int = 10
    jitter_us: int = 100_000
    jitter_shape: Shape = Shape.UNIFORM
    doubled_after_count: int = LARGEST_COUNT
    skew_us: int = 50_000
    headroom_us: int | None = headroom_for(100_000, 50_000)
    write_us: int = 5_000
    start_us: int = 60_000
    answer_us: int = 0
    answer_shape: Shape = Shape.FIXED
    answers_prove_arrival: bool | None = True
    crash_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    stray_ratio: float = 0.0
    stray_us: int = 500_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.limits:
            raise ValueError("without a limit there is nothing to simulate")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_us") and value is not None and value < 0:
                raise ValueError(f"{field.name} is a time: not below 0")
            if field.name.endswith(("_count", "_size")) and not 1 <= value <= LARGEST_COUNT:
                raise ValueError(f"{field.name} is a number from 1 to {LARGEST_COUNT:,}")
            if field.name.endswith("_ratio") and not 0 <= value < 1:
                raise ValueError(f"{field.name} is a share: 0 or more, below 1")
        if self.vendors_count > self.calls_count:
            raise ValueError("every vendor needs a call: fewer vendors, or more calls")
        if self.jitter_shape is Shape.FIXED:
            raise ValueError("a fixed jitter is none: uniform or exponential")
        if self.answer_shape is Shape.UNIFORM:
            raise ValueError("answers take a fixed or an exponential time")
