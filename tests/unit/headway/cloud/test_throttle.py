"""The embedded cloud's throttle is an ideal token bucket, so that there, too, it refuses nobody who holds a permit."""

from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from hypothesis import given, settings
from ministack.services import apigateway_v1

from tests.unit.headway_lane.permit_holders import (
    HEADROOMS_US,
    LATENESS,
    VENDORS,
    WORST,
    Lateness,
    fence_of,
    limit,
    selling,
    slots_us,
)


def refused_count(vendor: Vendor, headroom_us: int, lateness: Lateness, less: int = 0) -> int:
    """Let calls that hold permits arrive at ministack's own bucket, whose burst may be `less`; count those refused."""
    fence, stage = fence_of(vendor), uuid4().hex
    limits = {"rateLimit": fence.rate_per_s, "burstLimit": fence.burst_count - less}
    refused = 0
    for at_us in lateness.arrivals_us(slots_us(vendor, Scope.SUBMIT, headroom_us), headroom_us):
        with patch.object(apigateway_v1, "time", SimpleNamespace(time=lambda: at_us / 1_000_000)):  # noqa: B023
            refused += not apigateway_v1._take_token(("stage", stage), limits)
    return refused


@given(vendor=VENDORS, headroom_us=HEADROOMS_US, lateness=LATENESS)
@settings(max_examples=60, deadline=None)
def test_whoever_holds_a_permit_is_admitted_on_the_embedded_cloud(
    vendor: Vendor, headroom_us: int, lateness: Lateness
) -> None:
    assert refused_count(vendor, headroom_us, lateness) == 0


def test_the_worst_sequence_is_admitted_to_the_last_permit() -> None:
    for amount in (2, 5, 9, 10, 20, 35, 50):
        vendor = selling(limit(amount, 1))
        assert refused_count(vendor, 250_000, WORST) == 0
        assert refused_count(vendor, 250_000, WORST, less=1) > 0
