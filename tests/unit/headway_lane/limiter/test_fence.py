"""The proxy's throttle never refuses who holds a permit. An ideal token bucket, which is not the product's, judges."""

from dataclasses import replace
from fractions import Fraction

import pytest
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.fences import HEADROOM_LIMIT_MS, HEADROOM_LIMIT_US, PermitsFence
from headway_lane.contract.limits import LEAST_WINDOW_S, Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, POLL_HEADROOM_MS
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.rule import rule_of
from hypothesis import given, settings

from tests.unit.headway_lane.fakes import vendor_of
from tests.unit.headway_lane.permit_holders import (
    HEADROOMS_US,
    LATENESS,
    VENDORS,
    WORST,
    Lateness,
    fence_of,
    limit,
    refused_count,
    selling,
    slots_us,
)

HEADROOMS = [1_000, DEFAULT_HEADROOM_MS * 1_000, POLL_HEADROOM_MS * 1_000, HEADROOM_LIMIT_US]


def worst_us(vendor: Vendor, headroom_us: int, scope: Scope = Scope.SUBMIT) -> list[int]:
    return WORST.arrivals_us(slots_us(vendor, scope, headroom_us), headroom_us)


@given(vendor=VENDORS, headroom_us=HEADROOMS_US, lateness=LATENESS)
@settings(max_examples=500, deadline=None)
def test_whoever_holds_a_permit_is_admitted_however_late_the_headroom_lets_calls_be(
    vendor: Vendor, headroom_us: int, lateness: Lateness
) -> None:
    arrivals_us = lateness.arrivals_us(slots_us(vendor, Scope.SUBMIT, headroom_us), headroom_us)
    assert refused_count(fence_of(vendor), arrivals_us) == 0


@pytest.mark.parametrize("headroom_us", HEADROOMS)
@pytest.mark.parametrize("per_s", [LEAST_WINDOW_S, 0.7, 1, 9, 10, 60])
def test_the_worst_sequence_is_admitted_for_every_amount(per_s: float, headroom_us: int) -> None:
    for amount in range(1, 51):
        vendor = selling(limit(amount, per_s))
        assert refused_count(fence_of(vendor), worst_us(vendor, headroom_us)) == 0, amount


def narrower(vendor: Vendor) -> bool:
    """Tell whether one permit less in the bucket would refuse the worst sequence."""
    fence = fence_of(vendor)
    assert fence.burst_count > 1
    less = replace(fence, burst_count=fence.burst_count - 1)
    return refused_count(less, worst_us(vendor, HEADROOM_LIMIT_US)) > 0


@pytest.mark.parametrize("per_s", [LEAST_WINDOW_S, 0.7, 1, 9])
def test_one_permit_less_in_the_bucket_would_refuse_the_worst_sequence(per_s: float) -> None:
    assert [amount for amount in range(2, 51) if not narrower(selling(limit(amount, per_s)))] == []


@pytest.mark.parametrize(("amount", "per_s"), [(300, 60), (1_000, 100), (60, 60), (8, 10)])
def test_one_permit_less_would_refuse_the_burst_of_a_quota(amount: int, per_s: float) -> None:
    assert narrower(selling(limit(amount, per_s)))


@pytest.mark.parametrize("pacing", Pacing)
def test_polls_are_admitted_with_either_pacing_because_they_take_permits_with_either(pacing: Pacing) -> None:
    vendor = vendor_of({"limits": [limit(10, 1), limit(50, 1, "poll")], "dispatch.pacing": pacing})
    assert refused_count(fence_of(vendor, Scope.POLL), worst_us(vendor, HEADROOM_LIMIT_US, Scope.POLL)) == 0


@given(vendor=VENDORS, headroom_us=HEADROOMS_US)
@settings(max_examples=200, deadline=None)
def test_slots_are_as_far_apart_as_the_fence_takes_them_to_be(vendor: Vendor, headroom_us: int) -> None:
    limits = vendor.limits_of(Scope.SUBMIT)
    fence = PermitsFence.of(limits)
    exact_us = Fraction(fence.spaced_us, fence.spaced_calls)
    assert exact_us <= rule_of(limits, HEADROOM_LIMIT_US).emission_interval_us < exact_us + 1
    apart_us = rule_of(limits, headroom_us).emission_interval_us
    assert apart_us * fence.rate_per_s / 1_000_000 >= 1 - 1e-12, "its rate is that of the fastest"


def test_the_headroom_of_polls_and_the_least_window_are_within_what_the_fence_allows_for() -> None:
    assert POLL_HEADROOM_MS <= HEADROOM_LIMIT_MS <= LEAST_WINDOW_S * 1_000
