"""Whoever holds a permit, at the proxy: contracts, greedy slots of the limiter's own, any lateness that is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, cycle, islice

from headway_lane.contract.fences import HEADROOM_LIMIT_US, Fence
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.reservations import no_reservations, reserve
from headway_lane.limiter.core.rule import rule_of
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import vendor_of

CALLS_COUNT = 130
START_US = 1_800_000_000_000_000


def limit(amount: int, per_s: float, scope: str = "submit") -> dict[str, object]:
    return {"quantity": "calls", "amount": amount, "per_s": per_s, "scope": scope}


def selling(*limits: dict[str, object]) -> Vendor:
    return vendor_of({"limits": list(limits)})


SCOPES = st.sampled_from(["submit", "any"])
WINDOWS_S = st.sampled_from([0.25, 1 / 3, 0.5, 1, 2.1, 9]) | st.floats(0.25, 9)
WINDOWS = st.builds(limit, st.integers(1, 50), WINDOWS_S, SCOPES)
QUOTAS = st.builds(limit, st.integers(1, 1_000), st.sampled_from([10, 60, 86_400]) | st.floats(10, 86_400), SCOPES)
VENDORS = st.lists(WINDOWS | QUOTAS, min_size=1, max_size=3).map(lambda limits: selling(*limits))


@dataclass(frozen=True)
class Lateness:
    """How late one call after the other is, as a share of the headroom; after the last the first again. Where the way
    is `blocked`, nobody overtakes: all come at once.
    """

    shares: Sequence[float]
    blocked: bool = False

    def arrivals_us(self, slots_us: Sequence[int], headroom_us: int) -> list[int]:
        """Return when calls of these slots arrive, ascending."""
        late_us = [int(share * (headroom_us - 1)) for share in islice(cycle(self.shares), len(slots_us))]
        arrived_us = [slot_us + late for slot_us, late in zip(slots_us, late_us, strict=True)]
        return list(accumulate(arrived_us, max)) if self.blocked else sorted(arrived_us)


WORST = Lateness([1.0] + [0.0] * 10_000, blocked=True)
"""The first uses up all that the headroom allows, and those behind it come with it, or promptly."""
ONCE_LATE = st.builds(lambda late, prompt: [1.0] * late + [0.0] * prompt, st.integers(1, 20), st.integers(1, 80))
LATENESS = st.builds(Lateness, ONCE_LATE | st.lists(st.floats(0, 1), min_size=1, max_size=30), st.booleans())
HEADROOMS_US = st.just(HEADROOM_LIMIT_US) | st.integers(1, HEADROOM_LIMIT_US)


def slots_us(vendor: Vendor, scope: Scope, headroom_us: int) -> list[int]:
    """Return the slots of calls of a scope that take every slot they can get."""
    rule = rule_of(vendor.limits_of(vendor.budget_scope(scope)), headroom_us)
    _, permits = reserve(rule, no_reservations(rule), START_US, CALLS_COUNT)
    return [permit.slot_us for permit in permits]


def refused_count(fence: Fence, arrivals_us: Sequence[int]) -> int:
    """Count what an ideal token bucket refuses of ascending arrivals; it starts full."""
    per_us, burst = Fraction(fence.rate_per_s) / 1_000_000, Fraction(fence.burst_count)
    tokens, last_us, refused = burst, 0, 0
    for at_us in arrivals_us:
        tokens, last_us = min(burst, tokens + (at_us - last_us) * per_us), at_us
        if tokens < 1:
            refused += 1
        else:
            tokens -= 1
    return refused


def fence_of(vendor: Vendor, scope: Scope = Scope.SUBMIT) -> Fence:
    fence = vendor.fence(scope)
    assert fence is not None
    return fence
