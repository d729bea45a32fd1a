"""Rejecting a call: ledger, dead-letter queue, task, in this order, and again where it broke off."""

import json
from typing import Any

import pytest
from headway_lane.ledger.record import CallState
from headway_lane.ledger.store import Ledger
from headway_lane.resume.settlement import Settler
from headway_lane.settling.rejection import Rejecter

from tests.unit.headway_lane.fakes import TOKEN, FakeSqs, FakeStepFunctions, Tables, request_of

CALL: dict[str, Any] = {
    "call_id": "call-1",
    "vendor": "acme",
    "idempotency_key": "call-1-key",
    "payload": {"text": "x"},
}
DLQ_URL = "https://sqs.example/dlq"
ERROR, CAUSE = "Vendor.Rejected", "acme answered HTTP 422"


@pytest.fixture
def dlq() -> FakeSqs:
    return FakeSqs()


@pytest.fixture
def left() -> list[tuple[str, str]]:
    """Return the in-flight permits that were given back."""
    return []


@pytest.fixture
def rejecter(ledger: Ledger, step_functions: FakeStepFunctions, dlq: FakeSqs, left: list[tuple[str, str]]) -> Rejecter:
    ledger.enqueue(request_of(), 3_600)
    ledger.begin("call-1", "owner-1", 40)
    settler = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: left.append((vendor, call_id)))
    return Rejecter(ledger, settler, dlq.client(), DLQ_URL)


def test_a_rejected_call_is_in_the_ledger_and_the_queue_and_its_task_has_failed(
    rejecter: Rejecter, tables: Tables, dlq: FakeSqs, step_functions: FakeStepFunctions
) -> None:
    assert rejecter.reject(CALL, ERROR, CAUSE) is True
    assert tables.call().items() >= {"state": "rejected", "error": ERROR, "cause": CAUSE}.items()
    (message,) = dlq.of("SendMessage")
    assert message["QueueUrl"] == DLQ_URL
    assert json.loads(message["MessageBody"]) == {"call": CALL, "error": ERROR, "cause": CAUSE}
    assert step_functions.of("SendTaskFailure") == [{"taskToken": TOKEN, "error": ERROR, "cause": CAUSE}]


def test_the_message_in_the_queue_has_no_task_token(rejecter: Rejecter, dlq: FakeSqs) -> None:
    rejecter.reject(CALL, ERROR, CAUSE)
    assert TOKEN not in str(dlq.sent)


def test_the_ledger_comes_before_the_queue_and_the_queue_before_the_task(
    rejecter: Rejecter, tables: Tables, dlq: FakeSqs, step_functions: FakeStepFunctions
) -> None:
    dlq.errors.append(ConnectionError("the queue is away"))
    step_functions.errors.append(ConnectionError("Step Functions is away"))
    with pytest.raises(ConnectionError, match="the queue"):
        rejecter.reject(CALL, ERROR, CAUSE)
    assert tables.call()["state"] == "rejected"
    assert step_functions.errors
    with pytest.raises(ConnectionError, match="Step Functions"):
        rejecter.reject(CALL, ERROR, CAUSE)
    assert len(dlq.sent) == 1
    assert rejecter.reject(CALL, ERROR, CAUSE) is True
    assert len(step_functions.of("SendTaskFailure")) == 1


def test_a_repeated_rejection_fails_the_task_once(rejecter: Rejecter, step_functions: FakeStepFunctions) -> None:
    assert [rejecter.reject(CALL, ERROR, CAUSE) for _ in range(2)] == [True, True]
    assert len(step_functions.sent) == 1


def test_a_call_that_the_vendor_has_after_all_is_left_alone(
    rejecter: Rejecter, ledger: Ledger, tables: Tables, dlq: FakeSqs, step_functions: FakeStepFunctions
) -> None:
    ledger.accept("call-1", "job-1")
    assert rejecter.reject(CALL, "Caller.Crashed", "the caller function failed") is False
    assert tables.call()["state"] == CallState.ACCEPTED
    assert (dlq.sent, step_functions.sent) == ([], [])


def test_a_call_that_is_not_in_the_ledger_is_not_rejected(rejecter: Rejecter, dlq: FakeSqs) -> None:
    assert rejecter.reject(CALL | {"call_id": "call-2"}, ERROR, CAUSE) is False
    assert dlq.sent == []


def test_a_queued_call_is_rejected_where_the_caller_never_began(
    rejecter: Rejecter, ledger: Ledger, tables: Tables
) -> None:
    ledger.release("call-1")
    assert rejecter.reject(CALL, "Caller.Crashed", "the caller function failed") is True
    assert tables.call()["state"] == "rejected"


@pytest.mark.parametrize("error", ["Vendor.Rejected", "Vendor.Throttled", "Request.Malformed"])
def test_a_call_that_the_vendor_does_not_have_gives_its_in_flight_permit_back_after_its_task_has_failed(
    rejecter: Rejecter, step_functions: FakeStepFunctions, left: list[tuple[str, str]], error: str
) -> None:
    step_functions.errors.append(ConnectionError("Step Functions is away"))
    with pytest.raises(ConnectionError):
        rejecter.reject(CALL, error, CAUSE)
    assert left == []
    rejecter.reject(CALL, error, CAUSE)
    assert left == [("acme", "call-1")]


@pytest.mark.parametrize("error", ["Vendor.Unavailable", "Vendor.AnswerUnreadable", "Caller.Crashed"])
def test_where_the_vendor_may_work_on_the_job_all_the_same_its_in_flight_permit_stays_taken(
    rejecter: Rejecter, left: list[tuple[str, str]], error: str
) -> None:
    assert rejecter.reject(CALL, error, CAUSE) is True
    assert left == []


def test_a_call_that_the_vendor_has_after_all_keeps_its_in_flight_permit(
    rejecter: Rejecter, ledger: Ledger, left: list[tuple[str, str]]
) -> None:
    ledger.accept("call-1", "job-1")
    rejecter.reject(CALL, ERROR, CAUSE)
    assert left == []
