"""An overload in short: tasks wait for a minute and a half, calls come for fifteen. `make bench-overload` has hours."""

import threading
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.overload import LEAST_USEFUL, OverloadCase, OverloadSeen, OverloadWindow, measure, windows_of
from benchmarks.virtual_table import KEPT_COUNT, VirtualTable
from headway.testing.virtual_threads import START_US, VirtualThreads

SHORT = OverloadCase(
    rate_per_s=2, tolerated_s=30, answer_s=60, overload=1.5, over_s=600, rest_s=300, window_s=60, seed=7
)
GOOD = OverloadSeen(
    windows=[OverloadWindow(0, 750, 590, 0.983)],
    offered_count=750,
    useful_count=590,
    for_nobody_count=0,
    twice_count=0,
    violations_count=0,
    dropped_count=100,
    asked_in_vain_count=0,
    missed_count=1,
    dead_letters_count=0,
)


@cache
def seen() -> OverloadSeen:
    return measure(SHORT)


def test_the_contract_is_used_in_every_window_while_more_is_offered_than_it_takes_and_after_that() -> None:
    assert [window for window in seen().windows if window.share < LEAST_USEFUL] == []
    assert seen().is_good


def test_tasks_did_end_in_the_queue_and_none_of_them_cost_a_slot() -> None:
    assert seen().dropped_count > 100
    assert seen().asked_in_vain_count == 0


def test_no_call_is_sent_for_nobody_or_twice_or_above_the_contract() -> None:
    assert (seen().for_nobody_count, seen().twice_count, seen().violations_count) == (0, 0, 0)


def test_equal_seeds_give_equal_runs() -> None:
    short = replace(SHORT, over_s=60, rest_s=0)
    assert measure(short) == measure(short)
    assert measure(short) != measure(replace(short, seed=8))


@pytest.mark.parametrize(
    "changes",
    [
        {"windows": [*GOOD.windows, OverloadWindow(300, 750, 569, 0.948)]},
        {"for_nobody_count": 1},
        {"twice_count": 1},
        {"violations_count": 1},
        {"dead_letters_count": 1},
    ],
)
def test_one_window_below_or_one_call_for_nobody_is_a_failure(changes: Any) -> None:
    assert GOOD.is_good
    assert not replace(GOOD, **changes).is_good


def test_a_share_is_of_the_offer_or_of_the_contract_whichever_is_less() -> None:
    case = replace(SHORT, over_s=60, rest_s=60)
    offered = [START_US] * 150 + [START_US + 60_000_000] * 100
    useful = [START_US] * 114 + [START_US + 119_999_999] * 95
    assert [window.share for window in windows_of(case, offered, useful)] == [0.95, 0.95]


def test_what_a_thread_raises_ends_the_run_and_the_threads() -> None:
    threads = VirtualThreads(START_US + 10_000_000)
    woken: list[int] = []

    def sleeps() -> None:
        threads.sleep_us(5_000_000)
        woken.append(threads.now_us)

    def fails() -> None:
        threads.sleep_us(1_000_000)
        raise ValueError("broken")

    threads.start(START_US, sleeps)
    threads.start(START_US, fails)
    with pytest.raises(ValueError, match="broken"):
        threads.run()
    assert woken == []


def test_what_still_sleeps_at_the_end_of_a_run_ends_though_it_would_sleep_once_more() -> None:
    threads = VirtualThreads(START_US + 1_000_000)

    def sleeps() -> None:
        try:
            threads.sleep_us(5_000_000)
        finally:
            threads.sleep_us(5_000_000)

    ran = threading.Thread(target=threads.run, daemon=True)
    threads.start(START_US, sleeps)
    ran.start()
    ran.join(timeout=10)
    assert not ran.is_alive()


def test_a_table_keeps_conditions_and_refuses_those_that_it_does_not_know() -> None:
    table = VirtualTable("key", lambda: None)
    table.put_item(Item={"key": "a", "state": "queued"}, ConditionExpression="attribute_not_exists(key)")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.put_item(Item={"key": "a"}, ConditionExpression="attribute_not_exists(key)")
    with pytest.raises(NotImplementedError):
        table.put_item(Item={"key": "a"}, ConditionExpression="attribute_exists(key)")
    for number in range(KEPT_COUNT):
        table.put_item(Item={"key": str(number)}, ConditionExpression="attribute_not_exists(key)")
    assert table.get_item(Key={"key": "a"}, ConsistentRead=True) == {}
