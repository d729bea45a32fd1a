"""The settling function tells by the event what it is asked for: to reject a call, or to join it with its answer."""

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_cdk.resources import WORKFLOWS
from headway_lane.ledger.record import Answer
from headway_lane.settling import handler

from tests.unit.headway_lane.fakes import TOKEN, Worker, request_of

REJECTION: dict[str, Any] = {
    "call": {"call_id": "call-1", "vendor": "acme", "idempotency_key": "call-1-key", "payload": {"text": "x"}},
    "error": "Vendor.Rejected",
    "cause": "acme answered HTTP 422",
}
JOINING = {"call_id": "call-1", "vendor": "acme", "job_id": "job-1"}


@pytest.fixture(autouse=True)
def _begun(worker: Worker) -> None:
    worker.ledger.enqueue(request_of(), 3_600)
    worker.ledger.begin("call-1", "owner-1", 40)


def settle(event: dict[str, Any]) -> dict[str, Any]:
    return handler.settle(event, LambdaContext())


def test_a_call_that_failed_for_good_is_rejected(worker: Worker) -> None:
    assert settle(REJECTION) == {"rejected": True}
    assert worker.tables.call()["state"] == "rejected"
    [message] = worker.sqs.of("SendMessage")
    assert message["QueueUrl"] == "https://sqs.example/request-dlq"
    [failure] = worker.step_functions.of("SendTaskFailure")
    assert (failure["taskToken"], failure["error"]) == (TOKEN, "Vendor.Rejected")


def test_a_call_that_got_its_job_id_after_the_answer_is_joined_with_it(worker: Worker) -> None:
    worker.ledger.accept("call-1", "job-1")
    worker.ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}"))
    assert settle(JOINING) == {"settlement": "resumed"}
    assert [success["taskToken"] for success in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]


def test_a_call_whose_answer_is_still_to_come_waits_on(worker: Worker) -> None:
    worker.ledger.accept("call-1", "job-1")
    assert settle(JOINING) == {"settlement": "unanswered"}
    assert worker.step_functions.sent == []


@pytest.mark.parametrize(
    ("workflow", "asked_for"), [("dispatch_call", [REJECTION]), ("dispatch_call_direct", [JOINING, REJECTION])]
)
def test_the_machines_of_a_lane_ask_for_it_in_these_words(workflow: str, asked_for: list[dict[str, Any]]) -> None:
    states = json.loads((WORKFLOWS / f"{workflow}.asl.json").read_text())["States"].values()
    arguments = [state["Arguments"] for state in states if "Arguments" in state]
    events = [found["Payload"] for found in arguments if found.get("FunctionName") == "${SettlerFunctionArn}"]
    assert sorted(map(sorted, events)) == sorted(map(sorted, asked_for))
