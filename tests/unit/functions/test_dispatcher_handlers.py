"""The two ways that empty the request queue: an event source mapping's batches, and a schedule's."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from functions.dispatcher import drain, handler
from tests.unit.functions.fakes import FakeSqs, Worker, client_error, metrics, request_body, request_of, sqs_record


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [sqs_record(body, f"m{number}") for number, body in enumerate(bodies, start=1)]}


def started(worker: Worker) -> list[str]:
    return [json.loads(start["input"])["call_id"] for start in worker.step_functions.of("StartExecution")]


def test_a_whole_batch_is_dispatched_and_nothing_comes_back(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    event = batch(request_body(call_id="call-1"), request_body(call_id="call-2"))
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["call-1", "call-2"]
    assert metrics(capsys.readouterr().out).items() >= {"vendor": "acme", "CallsDispatched": [2.0]}.items()


def test_only_the_broken_message_of_a_batch_comes_back(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    event = batch(request_body(call_id="call-1"), "{", request_body(call_id="call-3"))
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert started(worker) == ["call-1", "call-3"]
    line = metrics(capsys.readouterr().out)
    assert (line["CallsDispatched"], line["RequestsMalformed"]) == ([2.0], [1.0])


def test_a_batch_of_nothing_but_broken_messages_does_not_break_the_function(worker: Worker) -> None:
    event = batch("{", "[]")
    failures = [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": failures}


def test_a_message_that_could_not_be_started_comes_back_alone(worker: Worker) -> None:
    worker.step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    event = batch(request_body(call_id="call-1"), request_body(call_id="call-2"))
    assert handler.handle(event, LambdaContext()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert handler.handle({"Records": event["Records"][:1]}, LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["call-2", "call-1"]


def test_duplicates_are_counted_and_acknowledged(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    handler.handle(batch(request_body()), LambdaContext())
    worker.ledger.begin("call-1", "owner-1", 40)
    capsys.readouterr()
    assert handler.handle(batch(request_body()), LambdaContext()) == {"batchItemFailures": []}
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]


def fill(worker: Worker, *bodies: str) -> FakeSqs:
    worker.sqs.waiting.update(FakeSqs(*bodies).waiting)
    return worker.sqs


def test_the_drain_takes_one_batch_and_deletes_what_it_dispatched(worker: Worker) -> None:
    queue = fill(worker, *(request_body(call_id=f"call-{number}") for number in range(1, 4)))
    assert drain.handle({"batch_size": 2}, LambdaContext()) == {"received": 2, "dispatched": 2}
    assert started(worker) == ["call-1", "call-2"]
    assert list(queue.waiting) == ["receipt-3"]


def test_the_drain_leaves_a_malformed_message_to_its_receive_count(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = fill(worker, request_body(call_id="call-1"), "{", request_body(call_id="call-3"))
    assert drain.handle({"batch_size": 10}, LambdaContext()) == {"received": 3, "dispatched": 2}
    assert list(queue.waiting.values()) == ["{"]
    assert metrics(capsys.readouterr().out)["RequestsMalformed"] == [1.0]


def test_the_drain_deletes_a_duplicate_without_dispatching_it(worker: Worker) -> None:
    queue = fill(worker, request_body(), request_body())
    worker.ledger.enqueue(request_of(), 3_600)
    worker.ledger.begin("call-1", "owner-1", 40)
    assert drain.handle({"batch_size": 10}, LambdaContext()) == {"received": 2, "dispatched": 0}
    assert queue.waiting == {}


def test_the_drain_of_an_empty_queue_does_nothing(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    assert drain.handle({"batch_size": 10}, LambdaContext()) == {"received": 0, "dispatched": 0}
    assert capsys.readouterr().out == ""


def test_the_drain_deletes_nothing_that_it_could_not_start(worker: Worker) -> None:
    queue = fill(worker, request_body())
    worker.step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    with pytest.raises(ClientError, match="Throttling"):
        drain.handle({"batch_size": 10}, LambdaContext())
    assert len(queue.waiting) == 1
