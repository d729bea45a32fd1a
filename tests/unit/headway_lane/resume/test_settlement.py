"""Settling a waiting task: once, whatever is repeated, delayed or broken in between."""

import pytest
from botocore.exceptions import ClientError
from headway_lane.ledger.record import Answer, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.resume.settlement import Settlement, Settler

from tests.unit.headway_lane.fakes import NOW_MS, TOKEN, FakeStepFunctions, Tables, client_error, request_of

SUCCESS = Answer("job-1", True, "succeeded", '{"id": "job-1"}')
FAILURE = Answer("job-1", False, "canceled", '{"id": "job-1"}')


@pytest.fixture(autouse=True)
def accepted(ledger: Ledger) -> None:
    ledger.enqueue(request_of(), 3_600)
    ledger.begin("call-1", "owner-1", 40)
    ledger.accept("call-1", "job-1")


def state(ledger: Ledger) -> CallState:
    call = ledger.find("call-1")
    assert call is not None
    return call.state


def test_a_success_resumes_the_task_with_the_job_and_no_more(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    assert settler.settle("call-1", SUCCESS) is Settlement.RESUMED
    output = '{"call_id":"call-1","job_id":"job-1","status":"succeeded"}'
    assert step_functions.sent == [("SendTaskSuccess", {"taskToken": TOKEN, "output": output})]
    assert state(ledger) is CallState.RESUMED


def test_a_failed_job_fails_the_task_in_the_vendors_words(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    assert settler.settle("call-1", FAILURE) is Settlement.RESUMED
    assert step_functions.of("SendTaskFailure") == [
        {"taskToken": TOKEN, "error": "Vendor.JobFailed", "cause": "acme ended job job-1 with status canceled"}
    ]
    assert state(ledger) is CallState.RESUMED


def test_a_second_settlement_is_a_duplicate_and_sends_nothing(
    settler: Settler, step_functions: FakeStepFunctions
) -> None:
    settler.settle("call-1", SUCCESS)
    assert settler.settle("call-1", SUCCESS) is Settlement.DUPLICATE
    assert len(step_functions.sent) == 1


def test_an_answer_to_a_call_that_the_ledger_does_not_know_is_a_duplicate(
    settler: Settler, step_functions: FakeStepFunctions
) -> None:
    assert settler.settle("call-2", SUCCESS) is Settlement.DUPLICATE
    assert step_functions.sent == []


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
@pytest.mark.parametrize("answer", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_a_dead_token_makes_the_answer_late_once_and_a_duplicate_then(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions, code: str, answer: Answer
) -> None:
    step_functions.errors.append(client_error("SendTaskSuccess", code))
    assert settler.settle("call-1", answer) is Settlement.LATE
    assert state(ledger) is CallState.LATE
    assert settler.settle("call-1", answer) is Settlement.DUPLICATE


def test_an_answer_after_the_workflow_has_expired_the_call_is_late_without_a_word_to_step_functions(
    ledger: Ledger, tables: Tables, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    tables.calls.put_item(Item=tables.call() | {"state": CallState.EXPIRED, "expired_epoch_ms": NOW_MS})
    assert settler.settle("call-1", SUCCESS) is Settlement.LATE
    assert step_functions.sent == []
    assert state(ledger) is CallState.LATE


def test_a_crash_before_the_task_is_told_is_repaired_by_the_redelivery(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        settler.settle("call-1", SUCCESS)
    assert state(ledger) is CallState.ANSWERED
    assert settler.settle("call-1", SUCCESS) is Settlement.RESUMED
    assert len(step_functions.of("SendTaskSuccess")) == 1
    assert state(ledger) is CallState.RESUMED


@pytest.mark.parametrize("answer", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_any_other_error_of_step_functions_propagates_and_leaves_the_answer_to_the_redelivery(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions, answer: Answer
) -> None:
    step_functions.errors.append(client_error("SendTaskSuccess", "ThrottlingException"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        settler.settle("call-1", answer)
    assert state(ledger) is CallState.ANSWERED
    assert settler.settle("call-1", answer) is Settlement.RESUMED


def test_a_call_is_kept_alive_or_failed_through_its_waiter(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    call = ledger.find("call-1")
    assert call is not None
    assert settler.beat(call) is True
    assert settler.fail(call, "Vendor.Rejected", "enough") is True
    assert settler.beat(call) is False
    assert step_functions.sent == [
        ("SendTaskHeartbeat", {"taskToken": TOKEN}),
        ("SendTaskFailure", {"taskToken": TOKEN, "error": "Vendor.Rejected", "cause": "enough"}),
    ]
