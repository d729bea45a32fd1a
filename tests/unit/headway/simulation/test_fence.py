"""All of the limiter at once, with floors, shifts and slots that callers reserve themselves: the fence admits all."""

import pytest
from headway_lane.contract.vendor import Vendor

from headway.simulation.lane import SimulatedLane
from headway.simulation.settings import Settings
from headway.simulation.spread import Shape
from tests.unit.headway_lane.permit_holders import fence_of, limit, refused_count, selling

CALLS_COUNT = 1_500


def arrivals_us(vendor: Vendor, headroom_us: int, start_us: int) -> list[int]:
    """Return the arrivals of a lane whose vendor answers slowly, so that nearly every call shifts others."""
    settings = Settings(
        limits=vendor.limits,
        calls_count=CALLS_COUNT,
        dispatchers_count=5,
        jitter_us=headroom_us - headroom_us // 5,
        skew_us=headroom_us // 5,
        headroom_us=headroom_us,
        start_us=start_us,
        answer_us=300_000,
        answer_shape=Shape.EXPONENTIAL,
    )
    lane = SimulatedLane(settings, CALLS_COUNT, "fence")
    lane.run()
    assert lane.tally.late_count > CALLS_COUNT // 2
    return lane.arrivals_us


@pytest.mark.parametrize(("headroom_us", "start_us"), [(15_000, 60_000), (15_000, 300_000), (250_000, 60_000)])
@pytest.mark.parametrize("amount", [1, 5, 9, 20, 50])
def test_floors_shifts_and_missed_slots_bring_no_permit_holder_to_the_fence_too_soon(
    amount: int, headroom_us: int, start_us: int
) -> None:
    vendor = selling(limit(amount, 1))
    assert refused_count(fence_of(vendor), arrivals_us(vendor, headroom_us, start_us)) == 0
