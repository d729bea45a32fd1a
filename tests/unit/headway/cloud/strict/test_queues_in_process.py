"""The refusals of queues and functions inside the emulator's own modules, without a server."""

import asyncio
import json
from typing import Any

import pytest
from ministack.services import lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from headway.cloud.faults import Fault, FaultPlan, Kind
from headway.cloud.patches import faults, receipts
from headway.cloud.strict import batching_windows, concurrency, message_sizes, partial_receives
from headway.cloud.strict._variables import ACCOUNT_VARIABLE, DELIVERIES_VARIABLE

PATCHED: dict[Any, list[str]] = {
    sqs: [
        *("_act_send_message", "_act_send_message_batch", "_act_receive_message", "_act_delete_message"),
        *("_act_delete_message_batch", "_collect_msgs", "_receive_messages_for_esm"),
    ],
    lambda_svc: [
        *("_acquire_execution_slot", "_create_esm", "_update_esm", "_put_function_concurrency"),
        "_get_account_settings",
    ],
}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the emulator as it was."""
    for module, names in PATCHED.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(sqs, "_HANDLERS", dict(sqs._HANDLERS))
    handlers = {name: dict(provisioners._RESOURCE_HANDLERS[name]) for name in (FUNCTION, MAPPING)}
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {**provisioners._RESOURCE_HANDLERS, **handlers})


FUNCTION, MAPPING = "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"


def asked(action: str, **data: Any) -> Any:
    return asyncio.run(sqs._dispatch(action, data, data.get("QueueUrl", "")))


def test_a_message_is_refused_with_its_attributes() -> None:
    message_sizes.apply()
    url = asked("CreateQueue", QueueName="sizes", Attributes={"MaximumMessageSize": "1024"})["QueueUrl"]
    attributes = {"name": {"DataType": "String", "StringValue": "v" * 1024}}
    entry = {"Id": "1", "MessageBody": "b" * message_sizes.MESSAGE_BYTES, "MessageAttributes": attributes}

    with pytest.raises(sqs._Err, match="shorter than 1024 bytes"):
        asked("SendMessage", QueueUrl=url, MessageBody="b", MessageAttributes=attributes)
    with pytest.raises(sqs._Err, match="cannot be longer"):
        asked("SendMessageBatch", QueueUrl=url, Entries=[entry])
    assert asked("SendMessage", QueueUrl=url, MessageBody="b")["MessageId"]


def test_a_message_comes_twice_and_its_first_receipt_deletes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DELIVERIES_VARIABLE, "partial=0 duplicate=1 disorder=1")
    partial_receives.apply()
    receipts.apply()
    url = asked("CreateQueue", QueueName="twice")["QueueUrl"]
    asked("SendMessage", QueueUrl=url, MessageBody="body")

    (first,) = asked("ReceiveMessage", QueueUrl=url)["Messages"]
    (second,) = asked("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=1)["Messages"]
    assert asked("DeleteMessage", QueueUrl=url, ReceiptHandle=first["ReceiptHandle"]) == {}
    entries = [{"Id": "1", "ReceiptHandle": each["ReceiptHandle"]} for each in (first,)]
    assert asked("DeleteMessageBatch", QueueUrl=url, Entries=entries) == {"Successful": [{"Id": "1"}], "Failed": []}
    assert asked("ReceiveMessage", QueueUrl=url)["Messages"][0]["MessageId"] == second["MessageId"]


def test_a_mapping_is_refused_by_api_and_in_a_template() -> None:
    batching_windows.apply()
    mapping = {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:any", "BatchSize": 11}

    status, _, body = lambda_svc._create_esm({**mapping, "FunctionName": "any"})
    assert (status, json.loads(body)["__type"]) == (400, "InvalidParameterValueException")
    with pytest.raises(ValueError, match="greater than 0"):
        provisioners._RESOURCE_HANDLERS[MAPPING]["create"]("Mapping", mapping, "stack")
    with pytest.raises(ValueError, match="greater than 0"):
        provisioners._RESOURCE_HANDLERS[MAPPING]["update"]("id", {}, mapping, "stack")
    assert lambda_svc._update_esm("none", {"BatchSize": 11})[0] == 404


def test_a_window_gathers_messages_of_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    batching_windows.apply()
    url = asked("CreateQueue", QueueName="gathered")["QueueUrl"]
    arn = asked("GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for body in ("1", "2", "3"):
        asked("SendMessage", QueueUrl=url, MessageBody=body)
    mapping = {"EventSourceArn": arn, "BatchSize": 3, "MaximumBatchingWindowInSeconds": 300}
    monkeypatch.setattr(lambda_svc, "_esms", {"id": mapping})

    assert [message["body"] for message in sqs._receive_messages_for_esm(url, 3)] == ["1", "2", "3"]
    assert sqs._receive_messages_for_esm(url, 3) == []


def test_a_reservation_past_the_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ACCOUNT_VARIABLE, "110")
    monkeypatch.setattr(lambda_svc, "_functions", {"one": {"concurrency": None}, "other": {"concurrency": 4}})
    concurrency.apply()

    assert lambda_svc._put_function_concurrency("one", {"ReservedConcurrentExecutions": 7})[0] == 400
    assert lambda_svc._put_function_concurrency("one", {"ReservedConcurrentExecutions": 6})[0] == 200
    limits = json.loads(lambda_svc._get_account_settings()[2])["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (110, 100)
    with pytest.raises(ValueError, match="below its minimum"):
        provisioners._RESOURCE_HANDLERS[FUNCTION]["create"]("One", {"ReservedConcurrentExecutions": 1}, "stack")


def test_an_invocation_is_throttled_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = FaultPlan()
    monkeypatch.setattr(faults, "PLAN", plan)
    faults.apply()
    config = {"FunctionName": "any"}
    plan.replace([Fault("lambda", Kind.THROTTLE, "Invoke", count=1)])

    assert lambda_svc._acquire_execution_slot({}, config) == (None, "function")
    slot, refusal = lambda_svc._acquire_execution_slot({}, config)
    lambda_svc._release_execution_slot(slot)
    assert refusal is None
