"""The order on the SDK's own local runner: what it asks the lane for, and what it makes of the lane's answers."""

import json
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from functions.order import handler

PATIENCE_S = 20
ORDER = json.dumps({"order": "order-1", "prompt": "a lighthouse in fog"})
JOB = {"call_id": "call-1", "job_id": "job-1", "status": "succeeded"}
ENVIRONMENT = {
    "ReplicateRequestQueueUrl": "https://sqs.example/requests",
    "ReplicateResultsQueueUrl": "https://sqs.example/results",
    "ReplicateCallTimeoutSeconds": "3600",
    "ReplicateCallHeartbeatSeconds": "1800",
    "ReplicateFetchTimeoutSeconds": "3600",
    "ReplicateFetchHeartbeatSeconds": "1800",
}


class Lane:
    """What the function sends, in the place of SQS."""

    def __init__(self) -> None:
        self._sent: Queue[dict[str, Any]] = Queue()

    def send_message(self, **message: Any) -> None:
        self._sent.put(message)

    def asked(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Wait for the next message; return its body, and the message."""
        message = self._sent.get(timeout=PATIENCE_S)
        return json.loads(message["MessageBody"]), message


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> Lane:
    made = Lane()
    monkeypatch.setattr(handler, "sqs", lambda: made)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def runner(lane: Lane) -> Iterator[DurableFunctionTestRunner]:
    with DurableFunctionTestRunner(handler=handler.handle) as made:
        yield made


def result_of(runner: DurableFunctionTestRunner, execution: str) -> Any:
    return json.loads(str(runner.wait_for_result(execution, timeout=PATIENCE_S).result))


def test_an_order_ends_with_the_vendors_output(runner: DurableFunctionTestRunner, lane: Lane) -> None:
    execution = runner.run_async(input=ORDER)
    body, message = lane.asked()
    assert (message["QueueUrl"], message["MessageGroupId"]) == (ENVIRONMENT["ReplicateRequestQueueUrl"], "orders")
    assert (body["vendor"], body["payload"]) == ("replicate", {"input": {"prompt": "a lighthouse in fog"}})
    assert (body["call"]["execution"], body["call"]["state"]) == (execution, "CallVendor")
    runner.send_callback_success(body["callback_id"], json.dumps(JOB).encode())
    body, message = lane.asked()
    assert (message["QueueUrl"], body["kind"], body["job_id"]) == (
        ENVIRONMENT["ReplicateResultsQueueUrl"],
        "fetch",
        "job-1",
    )
    runner.send_callback_success(body["callback_id"], json.dumps({**JOB, "result": {"output": ["1.png"]}}).encode())
    assert result_of(runner, execution) == {"order": "order-1", "job_id": "job-1", "output": ["1.png"]}


def test_an_order_that_the_vendor_refuses_ends_with_the_errors_name(
    runner: DurableFunctionTestRunner, lane: Lane
) -> None:
    execution = runner.run_async(input=ORDER)
    body, _ = lane.asked()
    refused = ErrorObject(message="no such model", type="Vendor.Rejected", data="Vendor.Rejected", stack_trace=None)
    runner.send_callback_failure(body["callback_id"], refused)
    assert result_of(runner, execution) == {"order": "order-1", "error": "Vendor.Rejected", "cause": "no such model"}
