"""What an operator may say, and what holds where nobody says anything."""

import pytest
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import DEFAULT_HEADROOM_MS, DELAY_SHARE, LEARNED_HEADROOM_LIMIT_MS, Tuning

from tests.unit.headway_lane.fakes import vendor_of


@pytest.mark.parametrize(("pacing", "share"), [(Pacing.DELAY, DELAY_SHARE), (Pacing.PERMITS, 1)])
def test_without_an_operators_word_plain_pacing_stays_below_the_contract_and_permits_use_it(
    pacing: Pacing, share: float
) -> None:
    vendor = vendor_of({"dispatch.pacing": pacing})
    assert Tuning.default_of(vendor) == Tuning(0, share * vendor.max_rps(Scope.SUBMIT), None, None)
    assert DELAY_SHARE < 1


def test_a_tuning_is_read_as_its_schema_describes_it() -> None:
    document = {"delay_ms": 40, "rate_per_s": 2.5}
    assert Tuning.from_document(document) == Tuning(40, 2.5, None, None)
    document |= {"headroom_ms": 30, "answers_prove_arrival": False}
    assert Tuning.from_document(document) == Tuning(40, 2.5, 30, False)


@pytest.mark.parametrize("document", [{}, {"headroom_ms": "auto"}])
def test_a_headroom_that_nobody_sets_is_learned_within_its_bounds(document: dict[str, str]) -> None:
    tuning = Tuning.from_document({"delay_ms": 0, "rate_per_s": 10, **document})
    assert (tuning.least_headroom_ms, tuning.headroom_limit_ms) == (DEFAULT_HEADROOM_MS, LEARNED_HEADROOM_LIMIT_MS)


def test_a_headroom_that_is_set_stays() -> None:
    tuning = Tuning.from_document({"delay_ms": 0, "rate_per_s": 10, "headroom_ms": 30})
    assert (tuning.least_headroom_ms, tuning.headroom_limit_ms) == (30, 30)


@pytest.mark.parametrize(
    ("cap", "amount"),
    [
        ({}, None),
        ({"calls_per_day": 700}, 700),
        ({"cost_per_day": 10, "cost_per_call": 0.1}, 100),
        ({"cost_per_day": 0.3, "cost_per_call": 0.1}, 3),
        ({"cost_per_day": 10, "cost_per_call": 3}, 3),
        ({"calls_per_day": 2, "cost_per_day": 10, "cost_per_call": 3}, 2),
        ({"calls_per_day": 9, "cost_per_day": 10, "cost_per_call": 3}, 3),
    ],
)
def test_a_cap_of_a_day_is_so_many_calls_and_never_a_part_of_one_more(
    cap: dict[str, float], amount: int | None
) -> None:
    assert Tuning.from_document({"delay_ms": 0, "rate_per_s": 10, "cap": cap}).day_amount == amount
