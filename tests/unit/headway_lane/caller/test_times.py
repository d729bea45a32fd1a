"""The times of a call as metrics: from its slot to the socket, and from there to the answer."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from headway_lane import way_out
from headway_lane.caller import handler
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.turn import Turn
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import publish

from tests.unit.headway_lane.fakes import (
    NOW_MS,
    TOKEN,
    VirtualClock,
    Worker,
    invocation,
    metrics,
    queued_call,
)
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

PERMIT = {"slot_us": NOW_MS * 1_000 + 400_000, "number": 0, "generation": 0}


def published(worker: Worker, capsys: pytest.CaptureFixture[str]) -> Mapping[str, Any]:
    handler.call(queued_call(worker, PERMIT), invocation("invocation-1"))
    return metrics(capsys.readouterr().out)


def answering(worker: Worker, monkeypatch: pytest.MonkeyPatch, after_us: int) -> None:
    """Let the vendor take its time."""

    def answer(request: httpx.Request) -> httpx.Response:
        worker.clock.now_us += after_us
        return httpx.Response(201, json={"id": "job-1"})

    client = httpx.Client(base_url="https://proxy.example/live", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(way_out, "client_for", lambda url: client)


def unit_of(line: Mapping[str, Any], metric: Metric) -> str:
    [unit] = [
        each["Unit"] for said in line["_aws"]["CloudWatchMetrics"] for each in said["Metrics"] if each["Name"] == metric
    ]
    return str(unit)


def test_a_call_that_is_answered_says_how_long_its_way_and_its_answer_took(
    worker: Worker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(worker, monkeypatch, 80_500)
    line = published(worker, capsys)
    assert line[Metric.SLOT_TO_SOCKET] == [0.0]
    assert line[Metric.SOCKET_TO_ANSWER] == [80.5]
    assert unit_of(line, Metric.SLOT_TO_SOCKET) == unit_of(line, Metric.SOCKET_TO_ANSWER) == "Milliseconds"


def test_every_attempt_that_is_answered_has_times_of_its_own() -> None:
    clock = VirtualClock(NOW_MS * 1_000)
    changes = Changes("acme#submit", rule_of([Limit(10, 1, Scope.SUBMIT)], 15_000), clock.epoch_us)
    turn = Turn(Budget(MemoryReservationStore(), changes), None, clock.epoch_us, clock.sleep_us)
    for answer_us in (30_000, 70_000):
        turn.take()
        clock.sleep_us(answer_us)
        turn.answered()
    turn.take()
    assert [sample.answered_us for sample in turn.times] == [30_000, 70_000]


def test_a_call_that_was_not_sent_has_no_times(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.step_functions.end(TOKEN)
    line = published(worker, capsys)
    assert not {Metric.SLOT_TO_SOCKET, Metric.SOCKET_TO_ANSWER} & set(line)


def test_times_are_published_without_any_count(capsys: pytest.CaptureFixture[str]) -> None:
    publish("acme", Counter(), {Metric.SLOT_TO_SOCKET: [1.5, 2.5], Metric.SOCKET_TO_ANSWER: []})
    line = metrics(capsys.readouterr().out)
    assert line[Metric.SLOT_TO_SOCKET] == [1.5, 2.5]
    assert Metric.SOCKET_TO_ANSWER not in line
    publish("acme", Counter(), {Metric.SLOT_TO_SOCKET: []})
    assert capsys.readouterr().out == ""
