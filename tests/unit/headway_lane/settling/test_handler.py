"""The settling function tells by the event what it is asked for: to reject a call, to requeue one whose caller could
not be run, or to join it with its answer.
"""

import json
from dataclasses import asdict
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_cdk.resources import WORKFLOWS
from headway_lane.ledger.record import Answer
from headway_lane.settling import handler

from tests.unit.headway_lane.calls import dispatching
from tests.unit.headway_lane.fakes import CALL_ID, NOW_MS, ORIGIN, TOKEN, Worker, metrics, place_of, request_of

CALL: dict[str, Any] = {
    "format_version": 2,
    "call_id": CALL_ID,
    "attempt": request_of().attempt,
    "call": dict(place_of().as_document()),
    "vendor": "acme",
    "payload": {"text": "x"},
    "ends_epoch_s": NOW_MS // 1_000 + 900,
    "permit": {},
    "origin": asdict(ORIGIN),
}
REJECTION: dict[str, Any] = {"call": CALL, "error": "Vendor.Rejected", "cause": "acme answered HTTP 422"}
RECOVERY: dict[str, Any] = {"recover": CALL, "because": "Lambda.TooManyRequestsException"}
JOINING = {"call_id": CALL_ID, "vendor": "acme", "job_id": "job-1"}


@pytest.fixture(autouse=True)
def _begun(worker: Worker) -> None:
    dispatching(worker.ledger)


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
    worker.ledger.accept(CALL_ID, CALL["attempt"], "job-1")
    worker.ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}"))
    assert settle(JOINING) == {"settlement": "resumed"}
    assert [success["taskToken"] for success in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]


def test_a_call_whose_answer_is_still_to_come_waits_on(worker: Worker) -> None:
    worker.ledger.accept(CALL_ID, CALL["attempt"], "job-1")
    assert settle(JOINING) == {"settlement": "unanswered"}
    assert worker.step_functions.sent == []


def test_a_call_whose_caller_could_not_be_run_is_requeued_counted_and_fails_nobody(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(RECOVERY) == {"requeued": True}
    [message] = worker.sqs.of("SendMessage")
    assert (message["QueueUrl"], message["MessageGroupId"]) == (ORIGIN.queue_url, ORIGIN.group)
    assert (worker.tables.call()["state"], worker.step_functions.sent) == ("queued", [])
    assert metrics(capsys.readouterr().out)["CallsUnready"] == [1.0]


def test_a_job_id_that_comes_for_a_call_that_nobody_knows_is_left_alone(worker: Worker) -> None:
    assert settle({**JOINING, "call_id": "another"}) == {"settlement": "unanswered"}
    assert worker.tables.jobs.scan()["Items"] == []


@pytest.mark.parametrize(
    ("workflow", "asked_for"),
    [("dispatch_call", [RECOVERY, REJECTION]), ("dispatch_call_direct", [RECOVERY, JOINING, REJECTION])],
)
def test_the_machines_of_a_lane_ask_for_it_in_these_words(workflow: str, asked_for: list[dict[str, Any]]) -> None:
    states = json.loads((WORKFLOWS / f"{workflow}.asl.json").read_text())["States"].values()
    arguments = [state["Arguments"] for state in states if "Arguments" in state]
    events = [found["Payload"] for found in arguments if found.get("FunctionName") == "${SettlerFunctionArn}"]
    assert sorted(map(sorted, events)) == sorted(map(sorted, asked_for))
