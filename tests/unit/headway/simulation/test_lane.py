"""The limiter's own decisions on a virtual clock: what the vendor sees when everything goes wrong at once."""

from dataclasses import replace

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.messages.request_queue import REQUEUE_S

from headway.simulation.engine import simulate
from headway.simulation.lane import REQUEUE_US
from headway.simulation.outcome import Outcome
from headway.simulation.settings import Settings, headroom_for
from headway.simulation.spread import Shape
from headway.simulator.window import worst_window


def limits(*texts: str) -> tuple[Limit, ...]:
    pairs = [text.split("/") for text in texts]
    return tuple(Limit(int(amount), float(per_s), Scope.SUBMIT) for amount, per_s in pairs)


SMALL = Settings(calls_count=3_000)
TIGHT = Settings(calls_count=6_000, jitter_us=10_000, skew_us=4_000, headroom_us=14_000, dispatchers_count=5)


def used(outcome: Outcome) -> float:
    share = outcome.binding.utilisation
    assert share is not None
    return share


@pytest.mark.parametrize("shape", [Shape.UNIFORM, Shape.EXPONENTIAL])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_window_is_above_the_contract_and_nearly_all_of_what_the_headroom_leaves_is_used(
    shape: Shape, seed: int
) -> None:
    outcome = simulate(replace(SMALL, jitter_shape=shape, seed=seed))
    assert outcome.violation_count == 0
    assert outcome.limits[0].worst_count <= 20
    assert outcome.binding.ceiling == pytest.approx(1 / 1.15)
    assert used(outcome) == pytest.approx(1 / 1.15, rel=0.01)


def test_without_headroom_the_jitter_breaks_the_contract() -> None:
    outcome = simulate(replace(SMALL, headroom_us=0))
    assert outcome.violation_count > 0
    assert outcome.limits[0].worst_count > 20


def test_a_limit_that_microseconds_do_not_divide_is_kept_without_any_headroom() -> None:
    exact = replace(SMALL, calls_count=500, limits=limits("7/1"), jitter_us=0, skew_us=0, headroom_us=0)
    outcome = simulate(exact)
    assert (outcome.violation_count, outcome.limits[0].worst_count) == (0, 7)


def test_half_the_skew_unpaid_for_breaks_the_contract() -> None:
    careful = Settings(calls_count=6_000, jitter_us=0, skew_us=200_000, headroom_us=headroom_for(0, 200_000))
    assert simulate(careful).violation_count == 0
    assert simulate(replace(careful, headroom_us=100_000)).violation_count > 0


def test_every_call_arrives_once() -> None:
    outcome = simulate(replace(SMALL, crash_ratio=0.1, duplicate_ratio=0.1, start_us=300_000))
    assert len(outcome.sample_us) == outcome.calls_count == 3_000


def test_several_limits_hold_at_once() -> None:
    outcome = simulate(replace(SMALL, calls_count=1_500, limits=limits("20/1", "300/60")))
    assert outcome.violation_count == 0
    assert [limit.worst_count <= limit.amount for limit in outcome.limits] == [True, True]
    assert outcome.binding.amount == 300
    assert outcome.limits[1].worst_count == 300  # a burst uses all of it


def test_crashes_and_duplicates_cost_permits_and_break_nothing() -> None:
    calm, rough = simulate(SMALL), simulate(replace(SMALL, crash_ratio=0.1, duplicate_ratio=0.1))
    assert rough.violation_count == 0
    assert rough.tally.crash_count > 0
    assert rough.tally.duplicate_count > 0
    assert rough.tally.returned_count > 0
    assert used(rough) < used(calm)


def test_batches_of_nothing_but_duplicates_do_not_hold_it_up() -> None:
    assert simulate(replace(SMALL, calls_count=20, duplicate_ratio=0.98)).tally.duplicate_count > 500


def test_missed_slots_are_reserved_anew() -> None:
    outcome = simulate(replace(SMALL, start_us=300_000))
    assert outcome.violation_count == 0
    assert outcome.tally.missed_count > 100
    assert outcome.tally.write_count >= 3_000 * 0.2 + outcome.tally.missed_count


def test_floors_keep_calls_away_from_one_that_went_astray() -> None:
    astray = replace(TIGHT, stray_ratio=0.01, answer_us=4_000)
    guarded, unguarded = simulate(astray), simulate(replace(astray, answers_prove_arrival=False))
    assert unguarded.violation_count > 0
    assert guarded.violation_count == 0
    assert guarded.tally.late_count > 0
    assert guarded.tally.void_count == 0, "what is reserved shifts, and nobody reserves anew"


def test_dispatchers_that_share_a_moment_race_for_the_reservations() -> None:
    crowd = simulate(replace(TIGHT, calls_count=500, dispatchers_count=20))
    alone = simulate(replace(TIGHT, calls_count=500, dispatchers_count=1))
    assert crowd.tally.lost_race_count > 0
    assert alone.tally.lost_race_count == 0


def test_a_batch_is_reserved_in_two_writes() -> None:
    outcome = simulate(replace(SMALL, start_us=1_000))
    assert outcome.tally.write_count / outcome.calls_count == pytest.approx(0.2, abs=0.01)


def test_vendors_do_not_share_a_budget() -> None:
    outcome = simulate(replace(SMALL, calls_count=2_005, vendors_count=50, limits=limits("10/1"), dispatchers_count=3))
    assert outcome.calls_count == 2_005
    assert outcome.violation_count == 0
    assert outcome.rate_per_s > 50 * 10 * 0.6  # the first and the last second included
    assert len(outcome.sample_us) == 40


def test_a_backlog_takes_its_calls_over_the_rate_that_is_left() -> None:
    outcome = simulate(replace(SMALL, calls_count=2_000, limits=limits("35/1")))
    assert outcome.virtual_us / 1_000_000 == pytest.approx(2_000 / (35 * used(outcome)), rel=0.03)


def test_rates_below_a_call_per_second_are_simulated_too() -> None:
    outcome = simulate(replace(SMALL, calls_count=40, limits=limits("1/5")))
    assert outcome.limits[0].worst_count == 1


def test_the_worst_window_is_the_one_that_counting_every_window_finds() -> None:
    arrivals_us = simulate(replace(SMALL, calls_count=400, headroom_us=0)).sample_us
    counted = max(sum(start <= at < start + 1_000_000 for at in arrivals_us) for start in arrivals_us)
    assert worst_window(arrivals_us, 1_000_000) == counted


def test_equal_seeds_give_equal_arrivals_and_others_do_not() -> None:
    settings = replace(SMALL, calls_count=300)
    assert simulate(settings) == simulate(settings)
    assert simulate(settings).sample_us != simulate(replace(settings, seed=1)).sample_us


def test_progress_only_grows_and_ends_with_all_calls() -> None:
    shown: list[int] = []
    simulate(replace(SMALL, calls_count=12_000, vendors_count=2, dispatchers_count=2), shown.append)
    assert shown == sorted(shown)
    assert shown[-1] == 12_000


def test_a_request_that_is_requeued_comes_again_when_the_dispatcher_says() -> None:
    assert REQUEUE_US == REQUEUE_S * 1_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"limits": ()},
        {"calls_count": 0},
        {"jitter_us": -1},
        {"crash_ratio": 1.0},
        {"vendors_count": 3_001},
        {"jitter_shape": Shape.FIXED},
        {"answer_shape": Shape.UNIFORM},
    ],
)
def test_senseless_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replace(SMALL, **wrong)  # type: ignore[arg-type]
