"""Settling a waiting task: once, whatever is repeated, delayed or broken in between."""

import pytest
from botocore.exceptions import ClientError
from headway_lane.ledger.record import Answer, Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.resume.settlement import Settlement, Settler

from tests.unit.headway_lane.calls import TTL_S, accepted
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    TOKEN,
    FakeStepFunctions,
    RepeatingTable,
    Tables,
    WallClock,
    client_error,
    request_of,
)

SUCCESS = Answer("job-1", True, "succeeded", '{"id": "job-1"}')
FAILURE = Answer("job-1", False, "canceled", '{"id": "job-1"}')
RETRY = request_of(token="token-of-a-retry")
JOINS = Succession(Next.JOIN, CallState.ACCEPTED)
NEW_ROUND = Succession(Next.DISPATCH, new_round=True)


@pytest.fixture(autouse=True)
def call(ledger: Ledger) -> Call:
    return accepted(ledger)


def found(ledger: Ledger) -> Call:
    call = ledger.find(CALL_ID)
    assert call is not None
    return call


def state(ledger: Ledger) -> CallState:
    return found(ledger).state


def test_a_success_resumes_the_task_with_the_job_and_no_more(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.RESUMED
    output = f'{{"call_id":"{CALL_ID}","job_id":"job-1","status":"succeeded"}}'
    assert step_functions.sent == [("SendTaskSuccess", {"taskToken": TOKEN, "output": output})]
    assert state(ledger) is CallState.RESUMED


def test_a_failed_job_fails_the_task_in_the_vendors_words(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    assert settler.settle(CALL_ID, FAILURE) is Settlement.RESUMED
    assert step_functions.of("SendTaskFailure") == [
        {"taskToken": TOKEN, "error": "Vendor.JobFailed", "cause": "acme ended job job-1 with status canceled"}
    ]
    assert state(ledger) is CallState.RESUMED


def test_a_second_settlement_is_a_duplicate_and_sends_nothing(
    settler: Settler, step_functions: FakeStepFunctions
) -> None:
    settler.settle(CALL_ID, SUCCESS)
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.DUPLICATE
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
    assert settler.settle(CALL_ID, answer) is Settlement.LATE
    assert state(ledger) is CallState.LATE
    assert settler.settle(CALL_ID, answer) is Settlement.DUPLICATE


def test_a_late_answer_says_whether_the_job_had_failed(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)
    settler.settle(CALL_ID, FAILURE)
    assert found(ledger).error == "Vendor.JobFailed"


def test_the_answer_to_a_call_that_was_given_up_is_late_without_a_word_to_step_functions(
    ledger: Ledger, call: Call, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    ledger.abandon(call, "Vendor.JobOverdue", "acme did not end job job-1")
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.LATE
    assert step_functions.sent == []
    assert found(ledger).error == "Vendor.JobOverdue", "another attempt takes the job over"


def test_the_answer_is_told_to_the_attempt_that_waits_now(
    ledger: Ledger, call: Call, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)
    step_functions.waiting.add(RETRY.waiter)
    ledger.take_over(call, RETRY, JOINS, TTL_S)
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.RESUMED
    assert [sent["taskToken"] for sent in step_functions.of("SendTaskSuccess")] == [RETRY.waiter]


def test_a_late_answer_is_good_enough_for_the_next_attempt(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.LATE
    step_functions.waiting.add(RETRY.waiter)
    ledger.take_over(found(ledger), RETRY, JOINS, TTL_S)
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.RESUMED
    assert (state(ledger), len(step_functions.of("SendTaskSuccess"))) == (CallState.RESUMED, 1)


def test_an_attempt_that_is_taken_over_while_it_is_told_leaves_the_answer_to_the_next_one(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.end(TOKEN)

    class TakenOver(FakeStepFunctions):
        def send_task_success(self, **params: str) -> None:
            ledger.take_over(found(ledger), RETRY, JOINS, TTL_S)
            step_functions.send_task_success(**params)

    assert Settler(ledger, TakenOver().waiters()).settle(CALL_ID, SUCCESS) is Settlement.LATE
    assert (state(ledger), found(ledger).attempt) == (CallState.ACCEPTED, RETRY.attempt)
    step_functions.waiting.add(RETRY.waiter)
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.RESUMED


def test_the_answer_to_the_job_of_an_earlier_round_settles_nothing_and_frees_nothing(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    settler.settle(CALL_ID, SUCCESS)
    step_functions.waiting.add(RETRY.waiter)
    ledger.take_over(found(ledger), RETRY, NEW_ROUND, TTL_S)
    ledger.begin(CALL_ID, RETRY.attempt, "invocation-2", 40)
    ledger.accept(CALL_ID, RETRY.attempt, "job-2")
    left: list[str] = []
    freeing = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: left.append(call_id))
    assert freeing.settle(CALL_ID, FAILURE) is Settlement.DUPLICATE
    assert (state(ledger), left) == (CallState.ACCEPTED, [])
    assert freeing.settle(CALL_ID, Answer("job-2", True, "succeeded", "")) is Settlement.RESUMED
    assert left == [CALL_ID]


def test_a_settlement_whose_responses_were_lost_is_made_once(
    tables: Tables, wall_clock: WallClock, step_functions: FakeStepFunctions
) -> None:
    ledger = Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock)
    assert Settler(ledger, step_functions.waiters()).settle(CALL_ID, SUCCESS) is Settlement.RESUMED
    assert (state(ledger), len(step_functions.sent)) == (CallState.RESUMED, 1)


def test_a_crash_before_the_task_is_told_is_repaired_by_the_redelivery(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        settler.settle(CALL_ID, SUCCESS)
    assert state(ledger) is CallState.ANSWERED
    assert settler.settle(CALL_ID, SUCCESS) is Settlement.RESUMED
    assert len(step_functions.of("SendTaskSuccess")) == 1
    assert state(ledger) is CallState.RESUMED


@pytest.mark.parametrize("answer", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_any_other_error_of_step_functions_propagates_and_leaves_the_answer_to_the_redelivery(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions, answer: Answer
) -> None:
    step_functions.errors.append(client_error("SendTaskSuccess", "ThrottlingException"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        settler.settle(CALL_ID, answer)
    assert state(ledger) is CallState.ANSWERED
    assert settler.settle(CALL_ID, answer) is Settlement.RESUMED


def test_a_call_is_kept_alive_or_failed_through_its_waiter(
    ledger: Ledger, settler: Settler, step_functions: FakeStepFunctions
) -> None:
    call = ledger.find(CALL_ID)
    assert call is not None
    assert settler.beat(call) is True
    assert settler.fail(call, "Vendor.Rejected", "enough") is True
    assert settler.beat(call) is False
    assert step_functions.sent == [
        ("SendTaskHeartbeat", {"taskToken": TOKEN}),
        ("SendTaskFailure", {"taskToken": TOKEN, "error": "Vendor.Rejected", "cause": "enough"}),
    ]
