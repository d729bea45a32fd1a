"""Rejecting a call: ledger, dead-letter queue, task, in this order, and again where it broke off."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode
from headway_lane.settling.rejection import Rejecter

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, accepted, dispatching, queued, sending
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    TOKEN,
    FakeSqs,
    FakeStepFunctions,
    RepeatingTable,
    Tables,
    WallClock,
    request_of,
)

CALL: dict[str, Any] = {
    "call_id": CALL_ID,
    "attempt": request_of().attempt,
    "vendor": "acme",
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
    sending(ledger)
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
    ledger.accept(CALL_ID, CALL["attempt"], "job-1")
    assert rejecter.reject(CALL, "Caller.Crashed", "the caller function failed") is False
    assert tables.call()["state"] == CallState.ACCEPTED
    assert (dlq.sent, step_functions.sent) == ([], [])


def test_a_call_that_is_not_in_the_ledger_is_not_rejected(rejecter: Rejecter, dlq: FakeSqs) -> None:
    assert rejecter.reject(CALL | {"call_id": "another"}, ERROR, CAUSE) is False
    assert dlq.sent == []


@pytest.mark.parametrize("bring", [queued, dispatching, sending])
def test_a_call_is_rejected_wherever_it_stands_before_the_vendor_has_it(
    ledger: Ledger, step_functions: FakeStepFunctions, dlq: FakeSqs, tables: Tables, bring: Callable[[Ledger], Call]
) -> None:
    bring(ledger)
    rejecter = Rejecter(ledger, Settler(ledger, step_functions.waiters()), dlq.client(), DLQ_URL)
    assert rejecter.reject(CALL, ERROR, CAUSE) is True
    assert tables.call()["state"] == "rejected"


def test_a_rejection_whose_response_was_lost_is_made_once(
    rejecter: Rejecter, tables: Tables, wall_clock: WallClock, step_functions: FakeStepFunctions, dlq: FakeSqs
) -> None:
    ledger = Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock)
    repeating = Rejecter(ledger, Settler(ledger, step_functions.waiters()), dlq.client(), DLQ_URL)
    assert repeating.reject(CALL, ERROR, CAUSE) is True
    assert (len(dlq.sent), len(step_functions.of("SendTaskFailure"))) == (1, 1)


@pytest.mark.parametrize("taken", ["while it is sent", "once it is rejected"])
def test_what_another_attempt_has_taken_over_is_left_alone(
    rejecter: Rejecter,
    ledger: Ledger,
    tables: Tables,
    dlq: FakeSqs,
    step_functions: FakeStepFunctions,
    left: list[tuple[str, str]],
    taken: str,
) -> None:
    if taken == "once it is rejected":
        ledger.reject(CALL_ID, CALL["attempt"], ERROR, CAUSE)
    found = ledger.find(CALL_ID)
    assert found is not None
    assert ledger.take_over(found, request_of(token="token-of-a-retry"), Succession(Next.DISPATCH), TTL_S)
    before = tables.call()
    assert rejecter.reject(CALL, ERROR, CAUSE) is False
    assert (tables.call(), dlq.sent, step_functions.sent, left) == (before, [], [], [])


def test_a_call_that_its_caller_has_given_up_behind_the_acceptance_is_put_aside_and_failed(
    ledger: Ledger, step_functions: FakeStepFunctions, dlq: FakeSqs
) -> None:
    ledger.abandon(accepted(ledger), ErrorCode.VENDOR_ANSWER_UNREADABLE, "another tenant's")
    rejecter = Rejecter(ledger, Settler(ledger, step_functions.waiters()), dlq.client(), DLQ_URL)
    assert rejecter.reject(CALL, ErrorCode.VENDOR_ANSWER_UNREADABLE, "another tenant's") is True
    assert (len(dlq.sent), len(step_functions.of("SendTaskFailure"))) == (1, 1)


@pytest.mark.parametrize("error", ["Vendor.Rejected", "Vendor.Throttled", "Request.Malformed"])
def test_a_call_that_the_vendor_does_not_have_gives_its_in_flight_permit_back_after_its_task_has_failed(
    rejecter: Rejecter, step_functions: FakeStepFunctions, left: list[tuple[str, str]], error: str
) -> None:
    step_functions.errors.append(ConnectionError("Step Functions is away"))
    with pytest.raises(ConnectionError):
        rejecter.reject(CALL, error, CAUSE)
    assert left == []
    rejecter.reject(CALL, error, CAUSE)
    assert left == [("acme", CALL_ID)]


@pytest.mark.parametrize("error", ["Vendor.Unavailable", "Vendor.AnswerUnreadable", "Caller.Crashed"])
def test_where_the_vendor_may_work_on_the_job_all_the_same_its_in_flight_permit_stays_taken(
    rejecter: Rejecter, left: list[tuple[str, str]], error: str
) -> None:
    assert rejecter.reject(CALL, error, CAUSE) is True
    assert left == []


def test_a_malformed_request_says_nothing_of_the_job_that_may_be_at_the_vendor_from_before(
    rejecter: Rejecter, ledger: Ledger, left: list[tuple[str, str]]
) -> None:
    found = ledger.find(CALL_ID)
    assert found is not None
    ledger.release(found, doubtful=True)
    ledger.begin(CALL_ID, CALL["attempt"], HOLDER, LEASE_S)
    assert rejecter.reject(CALL, ErrorCode.REQUEST_MALFORMED, "payload: its claim check is gone") is True
    assert left == []


def test_a_call_that_the_vendor_has_after_all_keeps_its_in_flight_permit(
    rejecter: Rejecter, ledger: Ledger, left: list[tuple[str, str]]
) -> None:
    ledger.accept(CALL_ID, CALL["attempt"], "job-1")
    rejecter.reject(CALL, ERROR, CAUSE)
    assert left == []
