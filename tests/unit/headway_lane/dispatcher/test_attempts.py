"""Another attempt at a call that the ledger knows: what the vendor has, or may have, is never asked for again."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.dispatcher import handler
from headway_lane.dispatcher.dispatch import TWIN_REQUEUE_S
from headway_lane.messages.identity import attempt_of, idempotency_key_of
from headway_lane.messages.request_queue import REQUEUE_S
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import ErrorCode

from tests.unit.headway_lane.dispatcher.ways import (
    FIRST_ATTEMPT,
    LEASE_S,
    Way,
    accepted,
    answered,
    begun,
    delay_s,
    dispatch,
    doubtful,
    enter,
    expired,
    found,
    late,
    message,
    overdue,
    queued,
    rejected,
    resumed,
    sending,
    started,
)
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    TOKEN,
    VENDOR_DOCUMENT,
    WallClock,
    Worker,
    client_error,
    metrics,
    request_body,
    vendor_of,
)

SECOND = "task-token-2"
SECOND_ATTEMPT = attempt_of(Waiter(SECOND))

AFTER_NOTHING_SENT: Mapping[str, Way] = {
    "queued": queued,
    "dispatching": begun,
    "expired": expired(queued),
}
IN_DOUBT: Mapping[str, Way] = {
    "doubtful": doubtful,
    "expired in doubt": expired(doubtful),
    "rejected: caller crashed": rejected(ErrorCode.CALLER_CRASHED),
    "rejected: no clear answer": rejected(ErrorCode.VENDOR_UNAVAILABLE),
    "rejected: answer unreadable": rejected(ErrorCode.VENDOR_ANSWER_UNREADABLE),
}
AT_THE_VENDOR: Mapping[str, Way] = {
    "accepted": accepted,
    "answered": answered,
    "late": late(None),
    "overdue": overdue,
}
ENDED: Mapping[str, Way] = {
    "resumed": resumed,
    "job failed late": late(ErrorCode.VENDOR_JOB_FAILED),
    "rejected: refused": rejected(ErrorCode.VENDOR_REJECTED),
    "rejected: throttled": rejected(ErrorCode.VENDOR_THROTTLED),
    "rejected: job unknown": rejected(ErrorCode.VENDOR_JOB_UNKNOWN),
}


@pytest.mark.parametrize("way", AFTER_NOTHING_SENT.values(), ids=AFTER_NOTHING_SENT)
def test_another_attempt_takes_over_what_nobody_has_sent_under_the_same_key(worker: Worker, way: Way) -> None:
    worker.busy()
    enter(worker, way, SECOND)
    dispatch(SECOND)
    start = started(worker)
    assert start
    assert (start["call_id"], start["attempt"], bool(start["permit"])) == (CALL_ID, SECOND_ATTEMPT, True)
    record = found(worker.ledger)
    assert (record.state, record.attempt, record.waiter) == ("queued", SECOND_ATTEMPT, SECOND)
    assert (record.round_number, record.doubtful, record.error) == (0, False, None)


@pytest.mark.parametrize("way", IN_DOUBT.values(), ids=IN_DOUBT)
def test_another_attempt_at_what_the_vendor_may_have_begins_in_doubt_and_under_the_same_key(
    worker: Worker, way: Way
) -> None:
    enter(worker, way, SECOND)
    dispatch(SECOND)
    assert started(worker)
    record = found(worker.ledger)
    assert (record.state, record.attempt, record.doubtful) == ("queued", SECOND_ATTEMPT, True)
    assert record.idempotency_key == CALL_ID


def test_another_attempt_waits_for_the_lease_of_who_is_sending_and_changes_nothing(
    worker: Worker, wall_clock: WallClock
) -> None:
    enter(worker, sending, SECOND)
    wall_clock.now_ms += 15_000
    dispatch(SECOND)
    assert (started(worker), delay_s(worker)) == (None, LEASE_S - 15)
    record = found(worker.ledger)
    assert (record.state, record.attempt, record.holder) == ("sending", FIRST_ATTEMPT, "invocation-1")


def test_when_the_lease_is_over_another_attempt_begins_in_doubt(worker: Worker, wall_clock: WallClock) -> None:
    enter(worker, sending, SECOND)
    wall_clock.now_ms += LEASE_S * 1_000
    dispatch(SECOND)
    assert started(worker)
    record = found(worker.ledger)
    assert (record.state, record.attempt, record.doubtful) == ("queued", SECOND_ATTEMPT, True)


@pytest.mark.parametrize("way", AT_THE_VENDOR.values(), ids=AT_THE_VENDOR)
def test_another_attempt_takes_over_a_job_without_a_turn(worker: Worker, way: Way) -> None:
    enter(worker, way, SECOND)
    dispatch(SECOND)
    start = started(worker)
    assert start
    assert (start["attempt"], start["permit"]) == (SECOND_ATTEMPT, {})
    assert worker.reservations.entries == {}
    record = found(worker.ledger)
    assert (record.state, record.waiter, record.job_id) == ("accepted", SECOND, "job-1")
    assert (record.round_number, record.error) == (0, None)


@pytest.mark.parametrize("way", AT_THE_VENDOR.values(), ids=AT_THE_VENDOR)
def test_what_takes_a_job_over_takes_no_in_flight_permit(worker: Worker, way: Way) -> None:
    limits = [*VENDOR_DOCUMENT["limits"], {"quantity": "jobs_in_flight", "amount": 5}]
    worker.profiles.contract = vendor_of({"limits": limits})
    enter(worker, way, SECOND)
    dispatch(SECOND)
    assert worker.in_flight.budgets.get("acme#in_flight", {}) == {}


@pytest.mark.parametrize("way", ENDED.values(), ids=ENDED)
def test_another_attempt_behind_a_job_that_has_ended_is_a_new_round_with_a_key_of_its_own(
    worker: Worker, way: Way
) -> None:
    worker.busy()
    enter(worker, way, SECOND)
    dispatch(SECOND)
    start = started(worker)
    assert start
    assert start["permit"]
    record = found(worker.ledger)
    assert (record.state, record.round_number, record.job_id) == ("queued", 1, None)
    assert record.idempotency_key == idempotency_key_of(CALL_ID, 1) != CALL_ID
    assert (record.doubtful, record.error) == (False, None)


def test_every_job_that_has_ended_is_a_round(worker: Worker) -> None:
    enter(worker, resumed, SECOND)
    dispatch(SECOND)
    assert worker.ledger.reject(CALL_ID, SECOND_ATTEMPT, ErrorCode.VENDOR_REJECTED, "")
    worker.step_functions.waiting = {"task-token-3"}
    dispatch("task-token-3")
    assert found(worker.ledger).idempotency_key == f"{CALL_ID}-2"


def test_a_job_that_was_taken_over_is_handed_over_though_the_dispatcher_broke_off_in_between(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late answer lies in the ledger, and nobody else would bring it."""
    enter(worker, late(None), SECOND)
    start_execution = worker.step_functions.start_execution

    def throttled(**params: Any) -> Any:
        monkeypatch.setattr(worker.step_functions, "start_execution", start_execution)
        raise client_error("StartExecution", "ThrottlingException")

    monkeypatch.setattr(worker.step_functions, "start_execution", throttled)
    assert handler.dispatch(message(request_body(task_token=SECOND)), LambdaContext())["batchItemFailures"]
    assert started(worker) is None
    dispatch(SECOND)
    start = started(worker)
    assert start
    assert (start["attempt"], start["permit"]) == (SECOND_ATTEMPT, {})


@pytest.mark.parametrize("way", [queued, begun, accepted], ids=["queued", "dispatching", "accepted"])
def test_of_two_tasks_that_wait_for_one_call_the_second_waits_until_the_first_has_ended(
    worker: Worker, way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(worker, way, SECOND)
    worker.step_functions.waiting = {TOKEN, SECOND}
    dispatch(SECOND)
    assert (started(worker), delay_s(worker)) == (None, TWIN_REQUEUE_S)
    assert metrics(capsys.readouterr().out)["CallsRequeued"] == [1.0]
    assert found(worker.ledger).attempt == FIRST_ATTEMPT
    worker.step_functions.end(TOKEN)
    dispatch(SECOND)
    assert found(worker.ledger).attempt == SECOND_ATTEMPT


def test_a_late_message_of_an_earlier_attempt_is_dropped_at_once_and_the_one_that_waits_goes_on(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(worker, queued, SECOND)
    dispatch(SECOND)
    before = found(worker.ledger)
    capsys.readouterr()
    dispatch(TOKEN)
    assert (found(worker.ledger), delay_s(worker)) == (before, None)
    assert len(worker.step_functions.of("StartExecution")) == 1
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]


def test_a_call_that_moves_while_another_attempt_looks_at_it_is_left_alone_and_looked_at_again(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(worker, begun, SECOND)
    beat = worker.step_functions.send_task_heartbeat

    def sent_meanwhile(**params: Any) -> None:
        worker.ledger.send(CALL_ID, FIRST_ATTEMPT, "invocation-1")
        beat(**params)

    monkeypatch.setattr(worker.step_functions, "send_task_heartbeat", sent_meanwhile)
    dispatch(SECOND)
    assert (started(worker), delay_s(worker)) == (None, REQUEUE_S)
    record = found(worker.ledger)
    assert (record.state, record.attempt) == ("sending", FIRST_ATTEMPT)


def test_messages_of_two_tenants_are_calls_of_their_own_wherever_they_say_they_were_asked_for(worker: Worker) -> None:
    enter(worker, accepted, SECOND)
    handler.dispatch(message(request_body(task_token=SECOND), "another-tenant"), LambdaContext())
    start = started(worker)
    assert start
    assert start["call_id"] != CALL_ID
    assert found(worker.ledger).attempt == FIRST_ATTEMPT
