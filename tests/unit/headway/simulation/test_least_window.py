"""The shortest window that a contract may have is kept, whatever the headroom that covers what is late."""

import pytest
from headway_lane.contract.fences import HEADROOM_LIMIT_US
from headway_lane.contract.limits import LEAST_WINDOW_S, Limit, Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, DEFAULT_SKEW_MS

from headway.simulation.engine import simulate
from headway.simulation.settings import Settings

SKEW_US = DEFAULT_SKEW_MS * 1_000


@pytest.mark.parametrize("headroom_us", [DEFAULT_HEADROOM_MS * 1_000, HEADROOM_LIMIT_US])
@pytest.mark.parametrize("amount", [1, 5, 50])
def test_jitter_up_to_the_headroom_breaks_no_window_and_costs_what_the_arithmetic_says(
    amount: int, headroom_us: int
) -> None:
    settings = Settings(
        limits=(Limit(amount, LEAST_WINDOW_S, Scope.SUBMIT),),
        calls_count=2_000,
        dispatchers_count=5,
        jitter_us=headroom_us - SKEW_US,
        skew_us=SKEW_US,
        headroom_us=headroom_us,
    )
    outcome = simulate(settings)
    assert outcome.violation_count == 0
    utilisation = outcome.binding.utilisation
    assert utilisation is not None
    assert utilisation >= 0.98 / (1 + headroom_us / (LEAST_WINDOW_S * 1_000_000))


def test_more_jitter_than_the_headroom_breaks_it_where_answers_prove_nothing() -> None:
    settings = Settings(
        limits=(Limit(5, LEAST_WINDOW_S, Scope.SUBMIT),),
        calls_count=2_000,
        jitter_us=60_000,
        skew_us=SKEW_US,
        headroom_us=DEFAULT_HEADROOM_MS * 1_000,
        answers_prove_arrival=False,
    )
    assert simulate(settings).violation_count > 0
