"""The ways of a claim, from event to event. On a virtual clock, on two interpreters."""

import json
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.project import find
from headway_cdk.workflow_sketch import sketch

from headway.testing.kit.run import WorkflowRun
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

CLAIM = {"claim_id": "c-1", "policy": "P-77", "amount": "1200.00", "what": "hail on a roof"}
DAY_S = 86_400


@pytest.fixture
def settle(workflow_test: WorkflowTests) -> WorkflowTest:
    made: WorkflowTest = workflow_test("settle")
    made.service("events:putEvents").returns({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]})
    return made


def told(run: WorkflowRun) -> list[tuple[str, str, Any]]:
    """Return what the bus hears: bus, kind, and detail."""
    entries = [call.arguments["Entries"] for call in run.calls if call.action == "events:putEvents"]
    details = [one["Detail"] for [one] in entries]
    read = [json.loads(detail) if isinstance(detail, str) else detail for detail in details]  # on the wire it is text
    return [(one["EventBusName"], one["DetailType"], detail) for [one], detail in zip(entries, read, strict=True)]


def test_a_claim_that_the_desk_settles_is_told_to_the_bus(settle: WorkflowTest) -> None:
    desk = settle.vendor("claims-desk").answers({"paid": "1200.00"}, after_s=DAY_S / 2, status="settled")
    run = settle.run({"payload": CLAIM})
    assert run.output == {"claim_id": "c-1", "settlement": {"paid": "1200.00"}}
    assert told(run) == [("claim_events", "Claim Settled", run.output)]
    assert [call.payload for call in desk.calls] == [CLAIM]


def test_a_claim_that_the_desk_rejects_is_told_with_the_reason(settle: WorkflowTest) -> None:
    settle.vendor("claims-desk").fails("the policy had lapsed", after_s=60)
    run = settle.run({"payload": CLAIM})
    assert (run.status, run.error) == ("FAILED", "Claim.NotSettled")
    [(_, kind, detail)] = told(run)
    assert (kind, detail["claim_id"]) == ("Claim Not Settled", "c-1")
    assert "the policy had lapsed" in detail["cause"]


def test_a_bus_that_is_throttled_is_told_again(settle: WorkflowTest) -> None:
    settle.vendor("claims-desk").answers({}, status="settled")
    settle.state("TellSettled").fails("EventBridge.FailedEntry", "throttled").returns({"FailedEntryCount": 0})
    run = settle.run({"payload": CLAIM})
    assert (run.status, len(told(run))) == ("SUCCEEDED", 2)


def test_the_machine_may_ask_the_desk_and_tell_the_one_bus() -> None:
    machine = sketch(find(Path(__file__).parent), "settle")
    assert machine.grants["events:PutEvents"] == ["resources/claim_events"]
    assert machine.grants["states:StartExecution"] == ["claims-desk/call-vendor"]
