"""What is measured of the way to the vendor: the least answer time, whether answers tell, the headroom that follows."""

from collections.abc import Iterable
from random import Random

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.measured import (
    EDGES_US,
    ENOUGH_COUNT,
    EPOCH_COUNT,
    KEPT_COUNT,
    SAMPLES_DUE_COUNT,
    SAMPLES_DUE_US,
    TELLING_US,
    UNMEASURED,
    UNTOLD_HEADROOM_US,
    Measured,
    Sample,
    Samples,
    Times,
)
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.reservation_store import DynamoReservationStore
from headway_lane.limiter.turn import Turn

from tests.unit.headway_lane.fakes import VirtualClock
from tests.unit.headway_lane.memory_stores import MemoryReservationStore, budgets_table

NOW_US = 1_800_000_000_000_000
LEAST_US = 300_000


def measured_of(answers_us: Iterable[int], before: Measured = UNMEASURED) -> Measured:
    """Remember answers, one call after the other, each of which left at its slot."""
    for answered_us in answers_us:
        before = before.adding([Sample(0, answered_us)])
    return before


def jittered(count: int, jitter_us: int, seed: int = 1) -> list[int]:
    random = Random(seed)  # noqa: S311 - repeatable
    return [LEAST_US + random.randrange(jitter_us) for _ in range(count)]


def test_of_few_calls_nothing_is_concluded() -> None:
    few = measured_of([LEAST_US] * (ENOUGH_COUNT - 1))
    assert (few.least_answer_us, few.tells, few.headroom_us) == (0, True, TELLING_US // 2)
    assert measured_of([LEAST_US], few).least_answer_us > 0


def test_the_least_answer_time_is_never_above_the_least_that_was_seen_and_comes_close_to_it() -> None:
    answers_us = jittered(300, 20_000)
    measured = measured_of(answers_us)
    assert min(answers_us) - 2_000 <= measured.least_answer_us <= min(answers_us)


def test_the_least_answer_time_of_a_vendor_that_has_become_slower_is_forgotten_after_two_epochs() -> None:
    before = measured_of([LEAST_US] * EPOCH_COUNT)
    slower_us = 2 * LEAST_US
    still = measured_of([slower_us] * (EPOCH_COUNT - 1), before)
    assert still.least_answer_us <= LEAST_US
    assert measured_of([slower_us] * (EPOCH_COUNT + 1), still).least_answer_us > slower_us * 0.9


def test_a_vendor_that_has_become_faster_is_believed_at_once() -> None:
    measured = measured_of([LEAST_US // 2], measured_of([LEAST_US] * 100))
    assert measured.least_answer_us <= LEAST_US // 2


@pytest.mark.parametrize("jitter_us", [5_000, 20_000, 60_000, 120_000])
def test_the_headroom_covers_nearly_all_of_the_jitter_that_was_seen_and_little_more(jitter_us: int) -> None:
    headroom_us = measured_of(jittered(400, jitter_us)).headroom_us
    assert 0.9 * jitter_us <= headroom_us <= 1.3 * jitter_us


def test_answers_that_spread_far_wider_than_any_headroom_tell_nothing() -> None:
    random = Random(1)  # noqa: S311 - repeatable
    wide = measured_of(LEAST_US + int(random.expovariate(1 / 300_000)) for _ in range(300))
    assert (wide.tells, wide.headroom_us) == (False, UNTOLD_HEADROOM_US)
    assert measured_of(jittered(300, 100_000)).tells


def test_what_was_learned_before_fades() -> None:
    wide = measured_of(jittered(400, 120_000))
    assert measured_of(jittered(4 * KEPT_COUNT, 10_000), wide).headroom_us <= 15_000
    doubled = measured_of(jittered(100, 120_000), measured_of(jittered(400, 60_000)))
    assert doubled.headroom_us >= 1.5 * 60_000, "and most of a wider one is learned within a hundred calls"


def test_no_more_times_are_kept_than_so_many() -> None:
    times = Times().adding([1_000] * 10_000)
    assert KEPT_COUNT / 2 <= times.count <= KEPT_COUNT


def test_quantiles_and_shares_are_those_of_the_classes() -> None:
    times = Times().adding([500, 4_000, 4_500, 99_000_000])
    assert [times.quantile_us(share) for share in (0.25, 0.5, 0.75, 1.0)] == [1_000, 5_000, 5_000, EDGES_US[-1]]
    assert [times.share_above(edge_us) for edge_us in (1_000, 5_000, EDGES_US[-1])] == [0.75, 0.25, 0.25]
    assert (Times().quantile_us(0.5), Times().share_above(1_000)) == (None, 0)


AUTO = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000, headroom_limit_us=100_000)


def budget_with(measured_us: Iterable[int], clock: VirtualClock) -> Budget:
    budget = Budget(MemoryReservationStore(), Changes("acme#submit", AUTO, clock.epoch_us))
    budget.reserve(1, 0)
    samples = [Sample(0, answered_us) for answered_us in measured_us]
    budget.runner(clock.epoch_us, clock.sleep_us).run(budget.changes.answered([], samples))
    budget.look()
    return budget


@pytest.mark.parametrize(
    ("jitter_us", "least_us", "most_us"),
    [(2_000, 15_000, 15_000), (60_000, 54_000, 80_000), (140_000, 100_000, 100_000)],
)
def test_the_headroom_is_learned_within_its_bounds(jitter_us: int, least_us: int, most_us: int) -> None:
    rule = budget_with(jittered(300, jitter_us), VirtualClock(NOW_US)).rule
    assert least_us <= rule.headroom_us <= most_us
    assert rule.emission_interval_us == -(-(1_000_000 + rule.headroom_us) // 20)


def test_before_anything_is_measured_half_of_the_widest_headroom_holds() -> None:
    clock = VirtualClock(NOW_US)
    budget = Budget(MemoryReservationStore(), Changes("acme#submit", AUTO, clock.epoch_us))
    budget.look()
    assert budget.rule.headroom_us == TELLING_US // 2


def test_a_prompt_answer_of_a_slow_vendor_is_not_late_and_one_that_is_later_than_the_headroom_is() -> None:
    clock = VirtualClock(NOW_US)
    budget = budget_with(jittered(300, 10_000), clock)
    headroom_us = budget.rule.headroom_us
    for beyond_us, late_count in ((headroom_us // 2, 0), (headroom_us + 10_000, 1)):
        turn = Turn(budget, None, clock.epoch_us, clock.sleep_us)
        turn.take()
        slot_us = clock.now_us
        clock.now_us = slot_us + LEAST_US + beyond_us
        turn.answered()
        turn.report()
        assert turn.late_count == late_count
    floor = budget.look().floors[-1]
    assert slot_us + 1_000_000 + headroom_us < floor.slot_us < clock.now_us + 1_000_000 - LEAST_US * 0.9


def test_where_answers_tell_nothing_no_answer_is_late() -> None:
    clock = VirtualClock(NOW_US)
    random = Random(1)  # noqa: S311 - repeatable
    budget = budget_with([LEAST_US + int(random.expovariate(1 / 300_000)) for _ in range(300)], clock)
    turn = Turn(budget, None, clock.epoch_us, clock.sleep_us)
    turn.take()
    clock.now_us += 5_000_000
    turn.answered()
    turn.report()
    assert (turn.late_count, budget.look().floors) == (0, ())


def test_the_store_keeps_what_was_measured() -> None:
    clock = VirtualClock(NOW_US)
    entry = _written(budget_with(jittered(300, 60_000), clock))
    with budgets_table() as table:
        store = DynamoReservationStore(table)
        assert store.write("acme#submit", entry._replace(version=1))
        assert store.read("acme#submit") == entry._replace(version=1)
    assert entry.reservations.measured != UNMEASURED


def _written(budget: Budget):  # type: ignore[no-untyped-def]
    return budget._store.read("acme#submit")


def test_a_worker_writes_down_what_it_measured_when_it_is_due() -> None:
    samples = Samples()
    assert samples.new
    assert not samples.due(NOW_US, at_once=True), "there is nothing"
    samples.add(Sample(0, 1), NOW_US)
    assert (samples.new, samples.due(NOW_US), samples.due(NOW_US, at_once=True)) == (False, False, True)
    assert [samples.due(NOW_US + SAMPLES_DUE_US + by_us) for by_us in (-1, 0)] == [False, True]
    for _ in range(SAMPLES_DUE_COUNT - 1):
        samples.add(Sample(0, 1), NOW_US)
    assert samples.due(NOW_US)
    assert (len(samples.drain()), samples.due(NOW_US + 2 * SAMPLES_DUE_US)) == (SAMPLES_DUE_COUNT, False)
    assert not samples.new


@pytest.mark.parametrize(("headroom_us", "write_count"), [(15_000, 1), (100_000, 0)])
def test_while_too_few_are_known_each_is_written_at_once_and_only_where_the_headroom_is_learned(
    headroom_us: int, write_count: int
) -> None:
    clock, store = VirtualClock(NOW_US), MemoryReservationStore()
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], headroom_us, headroom_limit_us=100_000)
    turn = Turn(Budget(store, Changes("acme#submit", rule, clock.epoch_us)), None, clock.epoch_us, clock.sleep_us)
    turn.take()
    before = store.write_count
    clock.now_us += 10_000
    turn.answered()
    turn.report()
    assert store.write_count - before == write_count


def test_a_worker_does_not_write_down_at_once_what_is_learned_already() -> None:
    clock, store, samples = VirtualClock(1_000_000_000), MemoryReservationStore(), Samples()
    rule = rule_of([Limit(20, 1, Scope.SUBMIT)], 15_000, headroom_limit_us=150_000)

    def budget() -> Budget:
        return Budget(store, Changes("acme#submit", rule, clock.epoch_us))

    learned = budget()
    learned.runner(clock.epoch_us, clock.sleep_us).run(
        learned.changes.answered([], [Sample(100, 5_000)] * ENOUGH_COUNT)
    )
    written_count = store.write_count
    for _ in range(3):
        turn = Turn(budget(), budget().reserve(1, 500_000)[0], clock.epoch_us, clock.sleep_us, samples=samples)
        turn.take()
        turn.answered()
        turn.report()
    assert store.write_count == written_count + 3, "the reservations alone"
