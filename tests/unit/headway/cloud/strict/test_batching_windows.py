"""When a gathered batch goes."""

from typing import Any

import pytest

from headway.cloud.strict.batching_windows import Gathering, gather, problem


class Queue:
    """Gives each message once; out of sight until second 100."""

    def __init__(self, *names: str) -> None:
        self._messages: list[dict[str, Any]] = [{"id": name, "visible_at": 100.0} for name in names]

    def receive(self, count: int) -> list[dict[str, Any]]:
        taken, self._messages = self._messages[:count], self._messages[count:]
        return taken


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["id"] for message in messages]


def test_a_batch_waits_until_its_window_is_over() -> None:
    gathering = Gathering(until_s=2.0)

    assert gather(gathering, Queue("a").receive, 10, now_s=1.0) == []
    assert names(gather(gathering, Queue("b").receive, 10, now_s=2.0)) == ["a", "b"]


def test_a_full_batch_goes_at_once_and_is_not_more_than_full() -> None:
    queue = Queue(*map(str, range(25)))

    assert len(gather(Gathering(until_s=2.0), queue.receive, 22, now_s=1.0)) == 22
    assert len(queue.receive(10)) == 3


def test_a_message_that_is_visible_again_meanwhile_is_not_in_the_batch_twice() -> None:
    gathering = Gathering(until_s=200.0)
    gather(gathering, Queue("a", "b").receive, 10, now_s=1.0)

    gathering.messages[0]["visible_at"] = 3.0
    again = [{"id": "a", "visible_at": 300.0}]

    assert sorted(names(gather(gathering, lambda _: again, 10, now_s=200.0))) == ["a"]
    assert gathering.messages == []


def test_what_is_too_much_for_one_invocation_goes_with_the_next_at_once() -> None:
    received = [{"id": name, "visible_at": 100.0, "body": "x" * 2_500_000} for name in "abc"]
    gathering = Gathering(until_s=200.0)

    assert names(gather(gathering, lambda _: received, 100, now_s=1.0)) == ["a", "b"]
    assert names(gather(gathering, lambda _: [], 100, now_s=1.0)) == ["c"]
    assert gathering.messages == []


QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"


@pytest.mark.parametrize(("arn", "count", "window_s"), [(QUEUE, 10, 0), (QUEUE, 10_000, 300), (QUEUE + ".fifo", 10, 0)])
def test_a_mapping_within_the_bounds_is_taken(arn: str, count: int, window_s: int) -> None:
    assert problem(arn, count, window_s) is None


def test_what_reads_a_stream_has_bounds_of_its_own() -> None:
    assert problem("arn:aws:kinesis:us-east-1:000000000000:stream/name", 100, 0) is None


@pytest.mark.parametrize(
    ("arn", "count", "window_s"),
    [(QUEUE, 0, 0), (QUEUE, 11, 0), (QUEUE, 10_001, 1), (QUEUE, 1, 301), (QUEUE + ".fifo", 10, 1)],
)
def test_one_beyond_is_refused(arn: str, count: int, window_s: int) -> None:
    assert problem(arn, count, window_s)
