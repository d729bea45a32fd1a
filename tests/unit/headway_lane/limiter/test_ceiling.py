"""An operator's rate below the contract: the vendor sees no call over it in any second, however late calls come."""

import math

from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.core.reservations import late, no_reservations, reserve
from headway_lane.limiter.core.rule import Window, rule_of, strictest
from hypothesis import given
from hypothesis import strategies as st

from headway.simulator.window import worst_window

START_US = 1_800_000_000_000_000
CONTRACT = [Limit(50, 1, Scope.SUBMIT)]
HEADROOM_US = 75_000


@given(
    st.floats(0.1, 49.9),
    st.lists(st.integers(0, HEADROOM_US), min_size=2, max_size=120),
)
def test_no_window_of_a_ceiling_sees_one_call_too_many(rate_per_s: float, late_us: list[int]) -> None:
    rule = rule_of(CONTRACT, HEADROOM_US, rate_per_s)
    assert rule.ceiling is not None
    _, permits = reserve(rule, no_reservations(rule), START_US, len(late_us))
    arrivals_us = [permit.slot_us + by_us for permit, by_us in zip(permits, late_us, strict=True)]
    assert worst_window(sorted(arrivals_us), rule.ceiling.per_us) <= rule.ceiling.amount
    assert rule.ceiling.amount == max(1, math.floor(rate_per_s)), "as whole calls as come in a second"
    assert rule.ceiling.amount / rule.ceiling.per_us * 1_000_000 <= rate_per_s * 1.000_001


def test_a_rate_of_the_contract_or_more_is_no_ceiling() -> None:
    for rate_per_s in (50, 51, math.inf):
        assert rule_of(CONTRACT, HEADROOM_US, rate_per_s).ceiling is None
    assert rule_of(CONTRACT, HEADROOM_US, 50) == rule_of(CONTRACT, HEADROOM_US, 50.0)


def test_of_two_ceilings_the_slower_holds() -> None:
    rules = [rule_of(CONTRACT, HEADROOM_US, rate_per_s) for rate_per_s in (12.5, 7, math.inf)]
    assert strictest(rules).ceiling == Window(7, 1_000_000)
    assert strictest(rules[::-1]).ceiling == Window(7, 1_000_000)


def test_behind_a_call_that_came_later_than_the_headroom_the_ceiling_holds_too() -> None:
    rule = rule_of(CONTRACT, HEADROOM_US, 5)
    before, permits = reserve(rule, no_reservations(rule), START_US, 5)
    arrived_us = permits[0].slot_us + 4 * HEADROOM_US
    after = late(rule, before, permits[0], arrived_us)
    _, [sixth] = reserve(rule, after, START_US, 1)
    assert sixth.slot_us >= arrived_us + 1_000_000
