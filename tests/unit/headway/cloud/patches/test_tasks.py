"""The patch of tasks: retries, catchers, and the wait for a callback, with a clock of our own."""

from typing import Any

import pytest
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import tasks


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    noted: list[float] = []
    monkeypatch.setattr(sfn, "_scaled_sleep", noted.append)
    return noted


def tried(state: dict[str, Any], errors: list[str]) -> tuple[Any, list[int]]:
    """Run attempts that fail with one error after the other, and then succeed; return also their retry counts."""
    context: dict[str, Any] = {"State": {"Name": "Try"}}
    counts: list[int] = []

    def attempt() -> Any:
        counts.append(context["State"]["RetryCount"])
        if len(counts) <= len(errors):
            raise sfn._ExecutionError(errors[len(counts) - 1], "so it is")
        return "good", "Next"

    return tasks.with_retry_and_catch(state, {"n": 1}, context, attempt), counts


def test_each_retrier_counts_and_waits_for_itself(slept: list[float]) -> None:
    retry = [
        {"ErrorEquals": ["A"], "IntervalSeconds": 2, "BackoffRate": 3},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 50},
    ]
    result, counts = tried({"Retry": retry}, ["A", "B", "A", "B"])
    assert result == ("good", "Next")
    assert counts == [0, 1, 2, 3, 4]
    assert slept == [2, 50, 6, 60]


def test_what_no_retrier_takes_any_more_goes_to_the_catcher(slept: list[float]) -> None:
    catch = [{"ErrorEquals": ["B"], "Next": "Wrong"}, {"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    result, _ = tried({"Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 1}], "Catch": catch}, ["A", "A"])
    assert result == ({"Error": "A", "Cause": "so it is"}, "Caught")
    assert slept == [1]
    with pytest.raises(sfn._ExecutionError):
        tried({}, ["A"])


class Clock:
    """Time that passes while an event is waited for; at some moments something happens to the token."""

    def __init__(self, waiting: dict[str, Any], happenings: dict[float, str]) -> None:
        self.now_s = 0.0
        self._waiting, self._happenings = waiting, happenings

    def wait(self, seconds: float | None) -> bool:
        ends_s = float("inf") if seconds is None else self.now_s + seconds
        for at_s, what in sorted(self._happenings.items()):
            if self.now_s < at_s <= ends_s:
                if what == "callback":
                    self.now_s = at_s
                    return True
                self._waiting[tasks.BEAT_S] = at_s
        self.now_s = ends_s
        return False


@pytest.mark.parametrize(
    ("happenings", "ends_s"),
    [({}, 3), ({2.0: "beat"}, 5), ({2.0: "beat", 4.0: "beat", 6.5: "beat", 9.0: "beat"}, 10)],
)
def test_the_heartbeat_and_the_timeout_end_a_wait_whichever_is_first(
    monkeypatch: pytest.MonkeyPatch, happenings: dict[float, str], ends_s: float
) -> None:
    waiting: dict[str, Any] = {tasks.BEAT_S: 0.0}
    clock = Clock(waiting, happenings)
    waiting["event"] = clock
    monkeypatch.setattr(tasks, "now_s", lambda: clock.now_s)
    with pytest.raises(sfn._ExecutionError, match=r"States\.Timeout"):
        tasks._await(waiting, 10, 3)
    assert clock.now_s == ends_s
    assert waiting[tasks.SETTLED_BY] == tasks.TIMEOUT


def test_a_callback_that_was_first_counts_although_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: dict[str, Any] = {tasks.BEAT_S: 0.0, tasks.SETTLED_BY: "a callback"}
    clock = Clock(waiting, {10.5: "callback"})
    waiting["event"] = clock
    monkeypatch.setattr(tasks, "now_s", lambda: clock.now_s)
    tasks._await(waiting, 10, None)
    assert clock.now_s == 10.5
