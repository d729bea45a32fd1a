"""The arithmetic of the comparison with the plain reference: rates, gaps, processor time, stalls and the verdict."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from benchmarks.above import Pairs, Way
from benchmarks.above_run import PATIENCE_S, STALL_S, AboveRun, StallWatch, largest_gap_s, middle, rate_per_s
from benchmarks.processor_time import spent_s
from benchmarks.single import Singles, percentile_s

RUN = AboveRun(
    calls_per_s=20.0,
    middle_per_s=21.0,
    largest_gap_s=1.0,
    processor_ms_per_call=80.0,
    worker_pss_mb=30.0,
    workers_count=20,
    surplus_count=0,
    failed_count=0,
)


class Timer:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def pairs_of(headway: AboveRun, plain: AboveRun) -> Pairs:
    return Pairs(0.2, {Way.HEADWAY: [headway], Way.PLAIN: [plain]})


def stalls_of(seen_at: Callable[[float], tuple[int, int]]) -> tuple[list[Mapping[str, float]], float]:
    """StallWatch what changes with time; return the stalls, and when the watch ended."""
    timer = Timer()
    stalls = StallWatch(now_s=lambda: timer.now_s, sleep=timer.sleep).until_over(
        lambda: seen_at(timer.now_s)[0], lambda: seen_at(timer.now_s)[1], lambda: {"in_flight": 10}
    )
    return list(stalls), timer.now_s


def test_a_rate_counts_the_intervals_between_calls() -> None:
    assert rate_per_s([0, 50, 100, 150, 200]) == 20
    assert (rate_per_s([]), rate_per_s([7.0])) == (0, 0)


def test_the_middle_leaves_out_a_tenth_at_either_end() -> None:
    assert middle(list(range(20))) == list(range(2, 18))


def test_the_largest_gap_is_that_of_a_batch_that_was_left_behind() -> None:
    assert largest_gap_s([0, 100, 200, 165_200, 165_300]) == 165
    assert largest_gap_s([3]) == 0


def test_a_process_that_began_or_ended_in_between_counts_with_what_it_had() -> None:
    before = {(1, 0.0): 10.0, (2, 0.0): 5.0}
    after = {(1, 0.0): 12.0, (2, 0.0): 5.5, (3, 8.0): 1.0}
    assert spent_s(before, after) == pytest.approx(3.5)


def test_a_run_is_over_when_nothing_runs_any_more() -> None:
    assert stalls_of(lambda now_s: (600, 0) if now_s >= 7 else (round(now_s), 600)) == ([], 7)


def test_a_stall_is_noted_with_where_the_calls_are() -> None:
    stalls, ended_s = stalls_of(lambda now_s: (600, 0) if now_s >= 100 else (590, 10))
    assert ended_s == 100
    assert stalls[0] == {"at_s": STALL_S + 2, "arrived": 590, "running": 10, "in_flight": 10}


def test_a_run_in_which_nothing_moves_any_more_ends() -> None:
    _, ended_s = stalls_of(lambda _: (590, 10))
    assert PATIENCE_S < ended_s < PATIENCE_S + 5


@pytest.mark.parametrize(
    ("headway", "is_good"),
    [
        (RUN, True),
        (replace(RUN, calls_per_s=18.0), False),
        (replace(RUN, largest_gap_s=11.0), False),
        (replace(RUN, failed_count=1), False),
    ],
)
def test_a_pair_is_good_where_headway_is_as_fast_and_leaves_no_call_behind(headway: AboveRun, is_good: bool) -> None:
    assert pairs_of(headway, RUN).is_good is is_good


def test_the_ratio_is_that_of_the_medians() -> None:
    runs = {
        Way.HEADWAY: [replace(RUN, calls_per_s=rate) for rate in (10.0, 30.0, 99.0)],
        Way.PLAIN: [replace(RUN, calls_per_s=rate) for rate in (1.0, 40.0, 50.0)],
    }
    assert Pairs(16, runs).ratio(lambda run: run.calls_per_s) == 0.75


def test_single_calls_are_compared_by_their_medians_and_the_slowest_ones_are_told_apart() -> None:
    assert Singles([1.0, 1.2, 9.0], [0.5, 1.0, 1.1]).ratio == pytest.approx(1.2)
    assert percentile_s([number / 100 for number in range(101)]) == pytest.approx(0.95)
