"""The two ways that empty the request queue, told apart by the event: a mapping's batches, and a schedule's input."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.dispatcher import handler
from headway_lane.limiter.budget import budget_of
from headway_lane.limiter.core.dispatching import LEAD_US
from headway_lane.limiter.pace import Starts
from headway_lane.messages.identity import call_id_of
from headway_lane.messages.request_queue import REQUEUE_S

from tests.unit.headway_lane.dispatcher.ways import message
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    TENANT,
    FakeSqs,
    Worker,
    client_error,
    metrics,
    place_of,
    request_body,
    request_of,
    sqs_record,
    vendor_of,
)

ENDS_EPOCH_S = NOW_MS // 1_000 + vendor_of().call_heartbeat_s
"""When the task of a message ends that was sent at NOW_MS."""


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [sqs_record(body, f"m{number}") for number, body in enumerate(bodies, start=1)]}


def started(worker: Worker) -> list[str]:
    """Return the names of the executions whose calls were started."""
    return [
        json.loads(start["input"])["call"]["execution"].rpartition(":")[2]
        for start in worker.step_functions.of("StartExecution")
    ]


def test_a_whole_batch_is_dispatched_and_nothing_comes_back(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    event = batch(request_body("call-1"), request_body("call-2"))
    assert handler.dispatch(event, LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["call-1", "call-2"]
    assert metrics(capsys.readouterr().out).items() >= {"vendor": "acme", "CallsDispatched": [2.0]}.items()


def test_only_the_broken_message_of_a_batch_comes_back(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.busy()
    event = batch(request_body("call-1"), "{", request_body("call-3"))
    assert handler.dispatch(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert started(worker) == ["call-1", "call-3"]
    line = metrics(capsys.readouterr().out)
    assert (line["CallsDispatched"], line["RequestsMalformed"]) == ([2.0], [1.0])


def test_a_batch_of_nothing_but_broken_messages_does_not_break_the_function(worker: Worker) -> None:
    event = batch("{", "[]")
    failures = [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]
    assert handler.dispatch(event, LambdaContext()) == {"batchItemFailures": failures}


def test_a_message_that_could_not_be_started_comes_back_alone(worker: Worker) -> None:
    worker.step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    event = batch(request_body("call-1"), request_body("call-2"))
    assert handler.dispatch(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert handler.dispatch({"Records": event["Records"][:1]}, LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["call-2", "call-1"]


def reject(worker: Worker, name: str = "call-1") -> None:
    """End the call of a message that has no group."""
    assert worker.ledger.reject(call_id_of(place_of(name), ""), request_of().attempt, "Vendor.Rejected", "")


def test_duplicates_are_counted_and_acknowledged(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    handler.dispatch(batch(request_body()), LambdaContext())
    reject(worker)
    capsys.readouterr()
    assert handler.dispatch(batch(request_body()), LambdaContext()) == {"batchItemFailures": []}
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]


@pytest.mark.parametrize("queue", ["urgent", "requests"])
def test_a_batch_is_paced_as_urgent_where_its_queue_is_the_urgent_one(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    asked: list[tuple[int, bool | None]] = []
    turns = handler.dispatcher().turns

    def noted(count: int, urgent: bool | None) -> Starts:
        asked.append((count, urgent))
        return turns(count, urgent)

    monkeypatch.setattr(handler.dispatcher(), "turns", noted)
    event = batch(request_body())
    event["Records"][0]["eventSourceARN"] = f"arn:aws:sqs:eu-central-1:123456789012:{queue}"
    assert handler.dispatch(event, LambdaContext()) == {"batchItemFailures": []}
    assert asked == [(1, queue == "urgent")]


def fill(worker: Worker, *bodies: str) -> FakeSqs:
    worker.sqs.waiting.update(FakeSqs(*bodies).waiting)
    return worker.sqs


def test_the_drain_takes_one_batch_and_deletes_what_it_dispatched(worker: Worker) -> None:
    queue = fill(worker, *(request_body(f"call-{number}") for number in range(1, 4)))
    assert handler.dispatch({"batch_size": 2}, LambdaContext()) == {"received": 2, "dispatched": 2}
    assert started(worker) == ["call-1", "call-2"]
    assert list(queue.waiting) == ["receipt-3"]


def test_the_drain_takes_what_is_urgent_first_and_fills_the_batch_with_the_rest(worker: Worker) -> None:
    queue = fill(worker, *(request_body(f"call-{number}") for number in range(1, 4)))
    queue.urgent["urgent-1"] = request_body("urgent-1")
    assert handler.dispatch({"batch_size": 3}, LambdaContext()) == {"received": 3, "dispatched": 3}
    assert started(worker) == ["urgent-1", "call-1", "call-2"]
    assert (list(queue.urgent), list(queue.waiting)) == ([], ["receipt-3"])


def test_the_drain_asks_the_other_queue_for_nothing_where_the_urgent_ones_fill_the_batch(worker: Worker) -> None:
    queue = fill(worker, request_body("call-1"))
    queue.urgent.update({f"urgent-{number}": request_body(f"urgent-{number}") for number in (1, 2)})
    handler.dispatch({"batch_size": 2}, LambdaContext())
    assert started(worker) == ["urgent-1", "urgent-2"]


def test_the_drain_leaves_a_malformed_message_to_its_receive_count(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = fill(worker, request_body("call-1"), "{", request_body("call-3"))
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 3, "dispatched": 2}
    assert list(queue.waiting.values()) == ["{"]
    assert metrics(capsys.readouterr().out)["RequestsMalformed"] == [1.0]


def test_the_drain_deletes_a_duplicate_without_dispatching_it(worker: Worker) -> None:
    handler.dispatch(batch(request_body()), LambdaContext())
    reject(worker)
    queue = fill(worker, request_body(), request_body())
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 2, "dispatched": 0}
    assert (started(worker), queue.waiting) == (["call-1"], {})


def test_the_drain_waits_for_messages_because_else_it_may_see_a_part(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_s: list[int] = []
    receive = worker.sqs.receive_message

    def noted(**params: Any) -> dict[str, Any]:
        waits_s.append(params["WaitTimeSeconds"])
        return receive(**params)

    monkeypatch.setattr(worker.sqs, "receive_message", noted)
    handler.dispatch({"batch_size": 10}, LambdaContext())

    assert waits_s
    assert min(waits_s) > 0


def test_the_drain_of_an_empty_queue_does_nothing(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 0, "dispatched": 0}
    assert capsys.readouterr().out == ""


def test_every_call_of_a_batch_gets_a_permit_and_leftovers_go_back(worker: Worker) -> None:
    worker.busy()
    event = batch(request_body("call-1"), "{", request_body("call-3"))
    handler.dispatch(event, LambdaContext())
    permits = [json.loads(start["input"])["permit"] for start in worker.step_functions.of("StartExecution")]
    start_us = NOW_MS * 1_000 + LEAD_US
    assert permits == [
        {"slot_us": start_us + 101_500, "number": 1, "generation": 0, "shifted_us": 0},
        {"slot_us": start_us + 203_000, "number": 2, "generation": 0, "shifted_us": 0},
    ]
    assert worker.reservations.entries["acme#submit"].reservations.number == 3, "the third is free again"


def test_with_plain_pacing_calls_have_no_permit_and_no_budget(worker: Worker) -> None:
    worker.profiles.contract = vendor_of({"dispatch.pacing": "delay"})
    handler.dispatch(batch(request_body()), LambdaContext())
    (start,) = worker.step_functions.of("StartExecution")
    assert json.loads(start["input"])["permit"] == {}
    assert worker.clock.slept_us == [200_000]
    assert worker.reservations.entries == {}


def cool_down(worker: Worker, duration_s: int) -> None:
    vendor = worker.profiles.contract
    budget = budget_of(
        worker.reservations, vendor, Scope.SUBMIT, worker.profiles.pace, worker.clock.epoch_us, worker.clock.sleep_us
    )
    assert budget is not None
    budget.cool_down(duration_s * 1_000_000)


@pytest.mark.parametrize(("cool_down_s", "delay_s"), [(60, 60), (900, 900), (3_600, 900)])
def test_behind_a_long_cool_down_a_batch_goes_to_the_end_of_its_queue_and_costs_no_receive(
    worker: Worker, capsys: pytest.CaptureFixture[str], cool_down_s: int, delay_s: int
) -> None:
    cool_down(worker, cool_down_s)
    bodies = [request_body("call-1"), request_body("call-2")]
    assert handler.dispatch(batch(*bodies), LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == []
    sent = worker.sqs.of("SendMessage")
    assert [json.loads(message["MessageBody"]) for message in sent] == [
        {**json.loads(body), "ends_epoch_s": ENDS_EPOCH_S} for body in bodies
    ], "as it came, with the end of its task: the new message will be younger than the task"
    assert {message["QueueUrl"] for message in sent} == {"https://sqs.example/requests"}
    assert all(delay_s - 1 <= message["DelaySeconds"] <= delay_s for message in sent), "the whole batch"
    assert LONGEST_REQUEUE_S == 900
    assert metrics(capsys.readouterr().out)["CallsRequeued"] == [2.0]
    worker.clock.now_us += cool_down_s * 1_000_000
    handler.dispatch(batch(*bodies), LambdaContext())
    assert started(worker) == ["call-1", "call-2"]


def test_what_is_requeued_stays_in_its_queue_and_with_its_tenant(worker: Worker) -> None:
    cool_down(worker, 60)
    event = batch(request_body("call-1"), request_body("call-2"))
    event["Records"][0]["eventSourceARN"] = "arn:aws:sqs:eu-central-1:123456789012:urgent"
    event["Records"][0]["attributes"]["MessageGroupId"] = "tenant-a"
    handler.dispatch(event, LambdaContext())
    urgent, normal = worker.sqs.of("SendMessage")
    assert (urgent["QueueUrl"], urgent["MessageGroupId"]) == ("https://sqs.example/urgent", "tenant-a")
    assert normal["QueueUrl"] == "https://sqs.example/requests"
    assert "MessageGroupId" not in normal, "it was sent without"


def test_where_reservation_fails_for_contention_the_batch_comes_again_soon(worker: Worker) -> None:
    worker.busy()
    worker.reservations.races = 1_000
    handler.dispatch(batch(request_body()), LambdaContext())
    (message,) = worker.sqs.of("SendMessage")
    assert message["DelaySeconds"] == REQUEUE_S


def test_the_drain_requeues_what_has_to_wait_long(worker: Worker) -> None:
    cool_down(worker, 60)
    queue = fill(worker, request_body("call-1"))
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 1, "dispatched": 0}
    assert queue.waiting == {}
    (message,) = queue.of("SendMessage")
    assert json.loads(message["MessageBody"]) == {**json.loads(request_body()), "ends_epoch_s": ENDS_EPOCH_S}


def test_what_the_drain_requeues_stays_in_its_queue_and_with_its_tenant(worker: Worker) -> None:
    cool_down(worker, 60)
    worker.sqs.urgent["urgent-1"] = request_body("urgent-1")
    worker.sqs.groups["urgent-1"] = "tenant-a"
    handler.dispatch({"batch_size": 10}, LambdaContext())
    (message,) = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["MessageGroupId"]) == ("https://sqs.example/urgent", "tenant-a")


def test_the_drain_deletes_nothing_that_it_could_not_start(worker: Worker) -> None:
    queue = fill(worker, request_body())
    worker.step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    with pytest.raises(ClientError, match="Throttling"):
        handler.dispatch({"batch_size": 10}, LambdaContext())
    assert len(queue.waiting) == 1


@pytest.mark.parametrize("written", ["message", "record"])
def test_what_is_in_a_newer_format_goes_back_to_its_queue_as_it_came(
    worker: Worker, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = request_body(format_version=3, more="of later")
    if written == "record":
        body = request_body(more="of later")
        worker.ledger.enqueue(request_of(), TENANT, 3_600)
        worker.tables.calls.update_item(
            Key={"call_id": CALL_ID},
            UpdateExpression="SET format_version = :newer",
            ExpressionAttributeValues={":newer": 3},
        )
    assert handler.dispatch(message(body), LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == []
    [sent] = worker.sqs.of("SendMessage")
    assert (sent["MessageBody"], sent["MessageGroupId"]) == (body, TENANT)
    assert metrics(capsys.readouterr().out)["FormatsNewer"] == [1.0]
