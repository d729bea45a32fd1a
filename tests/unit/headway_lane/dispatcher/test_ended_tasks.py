"""Requests whose task has ended, or is about to: the dead take no turn and no in-flight permit."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.dispatcher import handler
from headway_lane.dispatcher.dispatch import ENDS_SOON_S
from headway_lane.ledger.record import CallState
from headway_lane.messages.identity import attempt_of
from headway_lane.messages.waiter import Waiter

from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    TENANT,
    TOKEN,
    Worker,
    client_error,
    metrics,
    request_body,
    request_of,
    sqs_record,
    vendor_of,
)

NOW_S = NOW_MS // 1_000
HEARTBEAT_S = vendor_of().call_heartbeat_s
LIMITED = vendor_of(
    {
        "limits": [
            {"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"},
            {"quantity": "jobs_in_flight", "amount": 5},
        ]
    }
)
DIRECT = vendor_of({"dispatch.direct": True, "dispatch.pacing": "delay"})


def event(body: str, sent_epoch_s: int = NOW_S) -> dict[str, Any]:
    record = sqs_record(body, sent_epoch_ms=sent_epoch_s * 1_000)
    record["attributes"]["MessageGroupId"] = TENANT
    return {"Records": [record]}


def dispatch(body: str, sent_epoch_s: int = NOW_S) -> None:
    assert handler.dispatch(event(body, sent_epoch_s), LambdaContext()) == {"batchItemFailures": []}


def asked_count(worker: Worker) -> int:
    return len(worker.step_functions.of("SendTaskHeartbeat"))


def started_count(worker: Worker) -> int:
    return len(worker.step_functions.of("StartExecution"))


def test_a_request_whose_task_has_ended_is_dropped_with_an_entry_a_metric_and_a_reason_and_takes_nothing(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.profiles.contract = LIMITED
    worker.step_functions.end(TOKEN)
    dispatch(request_body(), sent_epoch_s=NOW_S - HEARTBEAT_S)
    output = capsys.readouterr().out
    assert (started_count(worker), worker.sqs.sent) == (0, [])
    record = worker.tables.call()
    assert (record["state"], record["cause"]) == ("expired", "acme: the task had ended in the queue")
    assert metrics(output)["CallsExpired"] == [1.0]
    [line] = [json.loads(line) for line in output.splitlines() if "_aws" not in line]
    assert (line["message"], line["call_id"]) == ("task ended in the queue", CALL_ID)
    assert worker.in_flight.budgets.get("acme#in_flight", {}) == {}
    assert worker.reservations.entries == {}, "no slot was reserved"


def test_the_drain_drops_and_deletes_it_as_well(worker: Worker) -> None:
    worker.step_functions.end(TOKEN)
    worker.sqs.waiting["receipt-1"] = request_body(ends_epoch_s=NOW_S)
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 1, "dispatched": 0}
    assert worker.sqs.waiting == {}


def test_a_task_that_ends_long_after_is_not_asked(worker: Worker) -> None:
    dispatch(request_body(), sent_epoch_s=NOW_S - HEARTBEAT_S + ENDS_SOON_S + 1)
    assert (asked_count(worker), started_count(worker)) == (0, 1)


def test_a_task_that_would_end_soon_is_asked_and_its_call_goes_on_with_a_new_end(worker: Worker) -> None:
    dispatch(request_body(), sent_epoch_s=NOW_S - HEARTBEAT_S + ENDS_SOON_S)
    [start] = worker.step_functions.of("StartExecution")
    assert asked_count(worker) == 1
    assert json.loads(start["input"])["ends_epoch_s"] == NOW_S + HEARTBEAT_S


def test_a_request_that_was_requeued_knows_the_end_of_its_task_better_than_the_age_of_its_message(
    worker: Worker,
) -> None:
    worker.step_functions.end(TOKEN)
    dispatch(request_body(ends_epoch_s=NOW_S + 1))
    assert (started_count(worker), worker.tables.call()["state"]) == (0, "expired")


@pytest.mark.parametrize(
    ("ends_epoch_s", "ends_anew_epoch_s"), [(NOW_S + 1, NOW_S + HEARTBEAT_S), (NOW_S + 500, NOW_S + 500)]
)
def test_a_request_is_requeued_with_the_end_of_its_task_which_is_a_new_one_where_it_was_asked(
    worker: Worker, ends_epoch_s: int, ends_anew_epoch_s: int
) -> None:
    worker.busy()
    worker.reservations.races = 1_000  # no turn
    dispatch(request_body(ends_epoch_s=ends_epoch_s))
    [sent] = worker.sqs.of("SendMessage")
    assert json.loads(sent["MessageBody"])["ends_epoch_s"] == ends_anew_epoch_s


@pytest.mark.parametrize("alive", [True, False])
def test_on_the_direct_way_every_task_is_asked_because_nobody_asks_later(worker: Worker, alive: bool) -> None:
    worker.profiles.contract = DIRECT
    if not alive:
        worker.step_functions.end(TOKEN)
    dispatch(request_body(ends_epoch_s=NOW_S + DIRECT.call_heartbeat_s))
    assert (asked_count(worker), started_count(worker)) == (alive, alive)
    assert worker.tables.call()["state"] == ("queued" if alive else "expired")


@pytest.mark.parametrize("state", [CallState.QUEUED, CallState.DISPATCHING])
def test_a_call_that_nobody_has_sent_expires_with_its_task(worker: Worker, state: CallState) -> None:
    call = worker.ledger.enqueue(request_of(), TENANT, 3_600)
    if state is CallState.DISPATCHING:
        worker.ledger.begin(call.call_id, call.attempt, "invocation-1", 40)
    worker.step_functions.end(TOKEN)
    dispatch(request_body(ends_epoch_s=NOW_S))
    assert worker.tables.call()["state"] == "expired"


def test_a_call_that_may_have_been_sent_stays_so_when_its_task_has_ended(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    """Expired, another attempt would take it for one that the vendor has never seen."""
    call = worker.ledger.enqueue(request_of(), TENANT, 3_600)
    worker.ledger.begin(call.call_id, call.attempt, "invocation-1", 0)
    worker.ledger.send(call.call_id, call.attempt, "invocation-1")
    worker.step_functions.end(TOKEN)
    dispatch(request_body(ends_epoch_s=NOW_S))
    assert worker.tables.call()["state"] == "sending"
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]


def test_a_doubtful_call_that_expires_stays_doubtful(worker: Worker) -> None:
    call = worker.ledger.enqueue(request_of(), TENANT, 3_600)
    begun = worker.ledger.begin(call.call_id, call.attempt, "invocation-1", 40)
    assert begun is not None
    worker.ledger.release(begun, doubtful=True)
    worker.step_functions.end(TOKEN)
    dispatch(request_body(ends_epoch_s=NOW_S))
    assert (worker.tables.call()["state"], worker.tables.call()["doubtful"]) == ("expired", True)


def test_the_end_of_an_earlier_attempt_is_nothing_to_the_one_that_waits_now(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.ledger.enqueue(request_of(), TENANT, 3_600)
    dispatch(request_body(task_token="an-earlier-one", ends_epoch_s=NOW_S))
    record = worker.tables.call()
    assert (record["state"], record["attempt"]) == ("queued", attempt_of(Waiter(TOKEN)))
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]


def batch_of(names: list[str], ends_epoch_s: int) -> dict[str, Any]:
    """Return the event of a batch whose tasks would end then; a token is named as its call."""
    bodies = {name: request_body(name, task_token=name, ends_epoch_s=ends_epoch_s) for name in names}
    return {"Records": [sqs_record(body, message_id=name) for name, body in bodies.items()]}


def test_no_slot_is_reserved_for_those_of_a_batch_whose_tasks_have_ended(worker: Worker) -> None:
    names = [f"call-{number}" for number in range(1, 6)]
    worker.step_functions.waiting = {"call-1", "call-4"}
    worker.busy()
    assert handler.dispatch(batch_of(names, NOW_S), LambdaContext()) == {"batchItemFailures": []}
    [entry] = worker.reservations.entries.values()
    assert (started_count(worker), entry.reservations.number) == (2, 3)
    assert worker.reservations.write_count == 2, "nothing had to be given back"
    assert asked_count(worker) == 2, "each once"


def test_where_a_task_cannot_be_asked_the_batch_goes_on_and_its_message_alone_comes_back(worker: Worker) -> None:
    throttled = client_error("SendTaskHeartbeat", "ThrottlingException")
    worker.step_functions.waiting = {"call-1", "call-2"}
    worker.step_functions.errors = [throttled, throttled]
    answer = handler.dispatch(batch_of(["call-1", "call-2"], NOW_S), LambdaContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "call-1"}]}
    assert (asked_count(worker), started_count(worker)) == (1, 1)
