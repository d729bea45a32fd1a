"""Batches whose invocation is throttled: tried again until their messages come back to the queue."""

from typing import Any

import pytest
from ministack.services import lambda_svc

from headway.cloud.patches import throttled_batches
from headway.cloud.patches.throttled_batches import LONGEST_PAUSE_S, persistent

THROTTLED = {"error": True, "throttle": True}
DONE = {"body": None}


class BusyAccount:
    """An account without room for a function until a time, on a clock of its own."""

    def __init__(self, busy_until_s: float) -> None:
        self.now_s = 100.0
        self.pauses_s: list[float] = []
        self._busy_until_s = busy_until_s

    def sleep(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)
        self.now_s += pause_s

    def invoke(self) -> dict[str, Any]:
        return THROTTLED if self.now_s < self._busy_until_s else DONE

    def run(self, until_s: float) -> Any:
        return persistent(self.invoke, until_s, lambda: self.now_s, self.sleep)


def test_a_throttled_batch_runs_as_soon_as_there_is_room() -> None:
    account = BusyAccount(busy_until_s=103)
    assert account.run(until_s=200) is DONE
    assert 103 <= account.now_s <= 103 + LONGEST_PAUSE_S
    assert account.pauses_s[0] < account.pauses_s[-1] <= LONGEST_PAUSE_S


def test_it_is_given_up_before_its_messages_are_visible_again() -> None:
    account = BusyAccount(busy_until_s=1_000)
    assert account.run(until_s=130) is THROTTLED
    assert 130 - LONGEST_PAUSE_S <= account.now_s < 130


def test_what_the_function_fails_is_not_tried_again() -> None:
    failed = {"error": True, "body": {"errorType": "ValueError"}}
    pauses_s: list[float] = []
    assert persistent(lambda: failed, 200, lambda: 100, pauses_s.append) is failed
    assert not pauses_s


def test_batches_are_persistent_and_whoever_else_invokes_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter([THROTTLED, THROTTLED, DONE])
    monkeypatch.setattr(lambda_svc, "_execute_function", lambda function, event: next(results))
    monkeypatch.setattr(
        lambda_svc,
        "_run_sqs_batch",
        lambda mapping, function, event, *rest: lambda_svc._execute_function(function, event),
    )
    monkeypatch.setattr(throttled_batches, "FIRST_PAUSE_S", 0.0)
    throttled_batches.apply()

    assert lambda_svc._execute_function({}, {}) is THROTTLED
    batch = [{"visible_at": 0.0}, {"visible_at": 5e9}]  # SQS gives one of them a second time
    assert lambda_svc._run_sqs_batch({}, {}, {}, batch, "url", "queue") is DONE
