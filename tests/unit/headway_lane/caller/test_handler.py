"""The caller function: what it reads from its event, and what it counts."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from headway_lane import way_out
from headway_lane.caller import handler
from headway_lane.contract.dispatch import Pacing
from headway_lane.limiter.core.signals import Reason
from headway_lane.runtime.names import Environment

from tests.unit.headway_lane.fakes import (
    ASKING,
    NOW_MS,
    TOKEN,
    VENDOR_DOCUMENT,
    Worker,
    invocation,
    metrics,
    queued_call,
    vendor_of,
)

NOW_US = NOW_MS * 1_000


def handle(worker: Worker, permit: dict[str, int] | None, name: str = "call-1", number: int = 1) -> dict[str, Any]:
    return handler.call(queued_call(worker, permit or {}, name), invocation(f"invocation-{number}"))


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line = metrics(capsys.readouterr().out)
    return {name: value for name, value in line.items() if name.startswith(("Calls", "Permits"))}


def permit(slot_us: int) -> dict[str, int]:
    return {"slot_us": slot_us, "number": 0, "generation": 0}


def test_a_call_leaves_at_the_slot_of_its_permit(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    assert handle(worker, permit(NOW_US + 400_000)) == {"outcome": "accepted", "job_id": "job-1"}
    assert worker.clock.now_us == NOW_US + 400_000
    assert worker.reservations.write_count == 0
    assert counted(capsys) == {
        "CallsAccepted": [1.0],
        "PermitsMissed": [0.0],
        "PermitsMissedCold": [0.0],
        "PermitsLate": [0.0],
    }


def test_a_missed_permit_is_counted(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    handle(worker, permit(NOW_US - 1_000_000))
    assert len(worker.vendor.requests) == 1
    assert counted(capsys) == {
        "CallsAccepted": [1.0],
        "PermitsMissed": [1.0],
        "PermitsMissedCold": [1.0],
        "PermitsLate": [0.0],
    }


def test_a_call_whose_task_has_ended_is_counted_with_its_reason(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.step_functions.end(TOKEN)
    report = handle(worker, permit(NOW_US + 400_000))
    assert (report["outcome"], report["error"]) == ("expired", "Request.Expired")
    assert worker.vendor.requests == []
    printed = capsys.readouterr().out
    assert '"error":"Request.Expired"' in printed
    assert metrics(printed)["CallsExpired"] == [1.0]


@pytest.mark.parametrize(("prove_arrival", "late"), [(True, 1.0), (False, 0.0)])
def test_a_late_answer_is_counted_where_the_operator_takes_it_for_an_arrival(
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    prove_arrival: bool,
    late: float,
) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        worker.clock.now_us += 300_000
        return httpx.Response(201, json={"id": "job-1"})

    worker.profiles.pace = replace(worker.profiles.pace, answers_prove_arrival=prove_arrival)
    client = httpx.Client(base_url="https://proxy.example/live", transport=httpx.MockTransport(slow))
    monkeypatch.setattr(way_out, "client_for", lambda url: client)
    handle(worker, permit(NOW_US + 400_000))
    assert counted(capsys) == {
        "CallsAccepted": [1.0],
        "PermitsMissed": [0.0],
        "PermitsMissedCold": [0.0],
        "PermitsLate": [late],
    }
    assert worker.reservations.write_count == late


def test_with_plain_pacing_the_caller_waits_for_nothing(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.profiles.contract = vendor_of({"dispatch.pacing": "delay"})
    assert handle(worker, None)["outcome"] == "accepted"
    assert worker.clock.slept_us == []
    assert worker.reservations.read_count == 0
    assert counted(capsys)["CallsAccepted"] == [1.0]


def test_a_vendor_that_is_not_told_where_to_call_back_is_called_without_that_setting(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.profiles.contract = vendor_of({"submit.callback_url": None})
    monkeypatch.delenv(Environment.CALLBACK_URL)
    assert handle(worker, permit(NOW_US))["outcome"] == "accepted"
    assert worker.vendor.documents == [{"text": "x", "events": ["end"]}]


def test_a_caller_that_knows_no_tuning_asks_nothing_of_the_vendor_and_returns_the_call_to_its_queue(
    worker: Worker,
) -> None:
    worker.profiles.tuned = False
    assert handle(worker, permit(NOW_US))["outcome"] == "deferred"
    assert worker.vendor.requests == []
    assert len(worker.sqs.of("SendMessage")) == 1


def test_a_429_makes_the_next_call_wait_too(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.vendor.answers = [httpx.Response(429, headers={"Retry-After": "60"})]
    assert handle(worker, permit(NOW_US))["outcome"] == "deferred"
    capsys.readouterr()
    report = handle(worker, permit(NOW_US + 500_000), "call-2")
    assert report["outcome"] == "deferred"
    assert report["retry_after_s"] == pytest.approx(60, abs=1)
    assert len(worker.vendor.requests) == 1
    assert counted(capsys)["CallsThrottled"] == [1.0]


def test_what_it_cooled_down_for_is_counted(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.vendor.answers = [httpx.Response(429, headers={"Retry-After": "60"})]
    handle(worker, permit(NOW_US))
    line = metrics(capsys.readouterr().out)
    assert {name: value for name, value in line.items() if name.startswith("CoolDowns")} == {
        "CoolDownsRetryAfter": [1.0]
    }


def test_a_vendor_that_fails_opens_its_circuit_and_its_calls_wait_in_the_queue(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.profiles.contract = vendor_of({"submit.ambiguity": "retry"})
    worker.vendor.answers = [httpx.Response(503)]
    outcomes = [handle(worker, None, f"call-{number}")["outcome"] for number in range(6)]
    assert set(outcomes) == {"deferred"}
    assert len(worker.sqs.of("SendMessage")) == 6
    assert {name for name, _ in worker.step_functions.sent} == {"SendTaskHeartbeat"}
    reservations = worker.reservations.entries["acme#submit"].reservations
    assert not reservations.circuit.closed
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.get("CoolDownsCircuit", [0])[0] for line in printed) >= 1
    worker.vendor.answers = [httpx.Response(201, json={"id": "job-1"})]
    worker.clock.now_us = max(worker.clock.now_us, reservations.theoretical_arrival_us - 1_000_000)
    assert handle(worker, None, "call-0")["outcome"] == "accepted"
    assert worker.reservations.entries["acme#submit"].reservations.circuit.closed


def test_a_call_in_doubt_is_asked_about_with_a_permit_for_polls(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}
    worker.profiles.contract = vendor_of({**ASKING, "limits": [*VENDOR_DOCUMENT["limits"], limit]})
    busy = httpx.Response(429, headers={"Retry-After": "60"})
    worker.vendor.answers = [httpx.Response(500), busy]
    assert handle(worker, permit(NOW_US))["outcome"] == "deferred"
    assert [request.method for request in worker.vendor.requests] == ["POST", "GET"]
    assert sorted(worker.reservations.entries) == ["acme#poll", "acme#submit"]
    assert worker.reservations.entries["acme#poll"].reservations.cool_down_reason is Reason.RETRY_AFTER
    assert metrics(capsys.readouterr().out)["CoolDownsRetryAfter"] == [1.0]


@pytest.mark.parametrize("pacing", Pacing)
def test_a_call_without_a_doubt_takes_no_permit_for_polls(worker: Worker, pacing: Pacing) -> None:
    limit = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}
    changes = {**ASKING, "limits": [*VENDOR_DOCUMENT["limits"], limit], "dispatch.pacing": pacing}
    worker.profiles.contract = vendor_of(changes)
    handle(worker, None)
    assert "acme#poll" not in worker.reservations.entries
