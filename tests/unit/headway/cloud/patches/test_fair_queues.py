"""Which message of a standard queue comes next: the model of fair queues, and that the emulator uses it."""

import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import sqs

from headway.cloud.patches import fair_queues
from headway.cloud.patches.fair_queues import in_turn

NOW_S = 1_000.0


def message(number: int, group: str | None, *, visible_at: float = 0.0, receive_count: int = 0) -> dict[str, Any]:
    return {"id": str(number), "group_id": group, "visible_at": visible_at, "receive_count": receive_count}


def waiting(*groups: str | None) -> list[dict[str, Any]]:
    return [message(number, group) for number, group in enumerate(groups)]


def flying(*groups: str | None) -> list[dict[str, Any]]:
    return [message(100 + number, group, visible_at=NOW_S + 30, receive_count=1) for number, group in enumerate(groups)]


def chosen(messages: list[dict[str, Any]], count: int = 10, served: dict[str, int] | None = None) -> str:
    return " ".join(f"{found['group_id']}{found['id']}" for found in in_turn(messages, count, NOW_S, served or {}))


def test_groups_take_turns_and_within_a_group_the_order_of_arrival_holds() -> None:
    assert chosen(waiting("a", "a", "a", "b", "b", "c")) == "a0 b3 c5 a1 b4 a2"


def test_who_has_fewest_in_flight_comes_first_until_it_has_as_many() -> None:
    assert chosen(flying("a", "a", "b") + waiting("a", "a", "b", "b", "c", "c"), 5) == "c4 b2 c5 a0 b3"


def test_of_groups_with_as_many_in_flight_the_one_that_waits_longest_comes_first() -> None:
    assert chosen(waiting("a", "b", "c"), 1, {"a": 2, "b": 1, "c": 3}) == "b1"
    assert chosen(waiting("a", "b", "new"), 1, {"a": 2, "b": 1}) == "new2"


def test_a_message_without_a_group_is_a_tenant_of_its_own() -> None:
    assert chosen(flying(None, None) + waiting("a", "a", None, None), 3) == "a0 None2 None3"


def test_what_is_delayed_or_in_flight_is_not_chosen() -> None:
    delayed = message(7, "a", visible_at=NOW_S + 5)
    assert chosen([delayed, *flying("a"), *waiting("a")]) == "a0"
    assert chosen([]) == ""


@given(groups=st.lists(st.sampled_from(["a", "b", "c", None])), count=st.integers(1, 10))
def test_as_many_as_there_are_come_none_twice(groups: list[str | None], count: int) -> None:
    found = in_turn(waiting(*groups), count, NOW_S, {})
    assert len({each["id"] for each in found}) == len(found) == min(count, len(groups))
    of_one = [int(each["id"]) for each in found if each["group_id"] == "a"]
    assert of_one == sorted(of_one)


def test_thousands_of_messages_are_looked_at_once() -> None:
    class Counted(dict[str, Any]):
        looks = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counted.looks += 1
            return super().get(key, default)

    crowd = [Counted(message(number, f"tenant {number % 50}")) for number in range(5_000)]
    assert len(in_turn(crowd, 10, NOW_S, {})) == 10
    assert Counted.looks <= 3 * len(crowd)


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch the emulator's module in this process, for one test."""
    monkeypatch.setattr(sqs, "_collect_msgs", sqs._collect_msgs)
    fair_queues.apply()


def queue_of(*groups: str | None, fifo: bool = False) -> dict[str, Any]:
    messages = [each | {"body": "{}", "visible_at": 0.0} for each in waiting(*groups)]
    return {"is_fifo": fifo, "messages": messages, "attributes": {}}


def received(queue: dict[str, Any], count: int) -> str:
    return "".join(str(found["group_id"]) for found in sqs._collect_msgs(queue, count, 30))


@pytest.mark.usefixtures("patched")
def test_the_emulator_gives_the_quiet_one_precedence_and_marks_what_it_gave_as_received() -> None:
    queue = queue_of(*"aaaaaa", "b")
    assert received(queue, 2) == "ab"
    assert received(queue, 2) == "aa"
    given = [each for each in queue["messages"] if each["receive_count"]]
    assert Counter(each["group_id"] for each in given) == {"a": 3, "b": 1}
    assert all(each["visible_at"] > time.time() and each["receipt_handle"] for each in given)


@pytest.mark.usefixtures("patched")
def test_one_at_a_time_tenants_take_turns_though_nothing_is_in_flight_between() -> None:
    queue = queue_of(*"aaabbb")
    order = ""
    while queue["messages"]:
        order += received(queue, 1)
        queue["messages"] = [each for each in queue["messages"] if not each["receive_count"]]
    assert order == "ababab"
    assert queue[fair_queues.SERVED].keys() <= {"a", "b"}


@pytest.mark.usefixtures("patched")
def test_queues_without_groups_and_fifo_queues_are_left_as_they_are() -> None:
    plain, fifo = queue_of(None, None, None), queue_of("a", "a", "b", fifo=True)
    assert received(plain, 2) == "NoneNone"
    assert [each["receive_count"] for each in plain["messages"]] == [1, 1, 0]
    assert sqs._collect_msgs(fifo, 2, 30) == fifo["messages"][:2]
    assert fair_queues.SERVED not in plain
