"""A redrive of dead letters: where each goes, none twice, and no more than the lane has room for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.operations import held_messages
from headway.operations.dead_letters import Wanted
from headway.operations.held_messages import HeldMessages
from headway.operations.redrives import Gate, Redriven, RedriveOutcome, redrive
from tests.unit.headway.connections import MotoTarget, lane_of, stage_of
from tests.unit.headway_lane.fakes import FakeStepFunctions, client_error, place_of, request_body

MACHINE = "arn:aws:states:eu-central-1:123456789012:execution:headway-dev-acme-call-vendor"
NOW_S = 4_000_000_000.0
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""After whatever these tests send."""


class States(FakeStepFunctions):
    """Executions by ARN, as DescribeExecution tells them; a redriven one runs."""

    def __init__(self, *waiting: str) -> None:
        super().__init__(*waiting)
        self.executions: dict[str, dict[str, Any]] = {}

    def has(self, arn: str, status: str = "FAILED", **more: Any) -> None:
        self.executions[arn] = {"executionArn": arn, "status": status, **more}

    def describe_execution(self, **params: Any) -> dict[str, Any]:
        self._called("DescribeExecution", params)
        if params["executionArn"] not in self.executions:
            raise client_error("DescribeExecution", "ExecutionDoesNotExist")
        return self.executions[params["executionArn"]]

    def redrive_execution(self, **params: Any) -> dict[str, Any]:
        self._called("RedriveExecution", params)
        execution = self.executions[params["executionArn"]]
        if execution["status"] not in ("FAILED", "TIMED_OUT", "ABORTED"):
            raise client_error("RedriveExecution", "ExecutionNotRedrivable")
        self.sent.append(("RedriveExecution", params))
        execution.update(status="RUNNING", redriveDate=LATER)
        return {"redriveDate": LATER}

    @property
    def redriven(self) -> list[str]:
        return [params["executionArn"] for params in self.of("RedriveExecution")]


@dataclass(frozen=True)
class MixedTarget(MotoTarget):
    """moto's SQS, and Step Functions as the test has it."""

    states: States = field(default_factory=States)

    def client(self, name: str) -> Any:
        return self.states if name == "stepfunctions" else super().client(name)


@pytest.fixture
def states() -> States:
    return States("token-1")


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch, states: States) -> Iterator[Connection]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(held_messages, "WAIT_S", 0)  # moto gives all at once
    with mock_aws():
        target = MixedTarget(states=states)
        names = ("request", "urgent", "results", "callback", "request_dlq", "callback_dlq")
        urls = {f"{name}_url": target.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in names}
        lane = lane_of(
            request_queue_url=urls["request_url"],
            urgent_queue_url=urls["urgent_url"],
            results_queue_url=urls["results_url"],
            callback_queue_url=urls["callback_url"],
            request_dlq_url=urls["request_dlq_url"],
            callback_dlq_url=urls["callback_dlq_url"],
        )
        yield Connection("local", target, stage_of({"acme": lane}))


def put(lanes: Connection, body: Any, queue: str = "request_dlq", **more: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    lanes.target.client("sqs").send_message(QueueUrl=url_of(lanes, queue), MessageBody=text, **more)


def url_of(lanes: Connection, queue: str) -> str:
    return str(lanes.target.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def inside(lanes: Connection, queue: str) -> list[Any]:
    """Take what a queue has."""
    sqs, found = lanes.target.client("sqs"), []
    while page := sqs.receive_message(
        QueueUrl=url_of(lanes, queue),
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    ).get("Messages"):
        found += page
    return found


def failed(execution: str, error: str = "Vendor.Rejected") -> dict[str, Any]:
    place = {"machine": "m", "execution": execution, "state": "CallVendor"}
    return {"call": {"call_id": execution[-4:], "call": place}, "error": error, "cause": "HTTP 401"}


def outcomes(lanes: Connection, wanted: Wanted | None = None) -> list[tuple[RedriveOutcome, str]]:
    found: list[Redriven] = list(redrive(lanes, wanted or Wanted(), NOW_S, lambda _: None))
    return [(one.outcome, one.reason) for one in found]


def test_the_execution_of_a_call_that_failed_is_redriven_and_its_dead_letter_is_gone(
    lanes: Connection, states: States
) -> None:
    states.has(f"{MACHINE}:a")
    put(lanes, failed(f"{MACHINE}:a"))
    assert outcomes(lanes) == [(RedriveOutcome.RESTARTED, "")]
    assert (states.redriven, inside(lanes, "request_dlq")) == ([f"{MACHINE}:a"], [])


def test_of_a_line_that_was_run_again_the_last_attempt_goes_on(lanes: Connection, states: States) -> None:
    for attempt in (1, 2):
        states.has(f"{MACHINE}:hw-0a1b-{attempt}")
    put(lanes, failed(f"{MACHINE}:hw-0a1b-1"))
    assert outcomes(lanes) == [(RedriveOutcome.RESTARTED, "")]
    assert states.redriven == [f"{MACHINE}:hw-0a1b-2"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("RUNNING", "its execution runs on without it"), ("SUCCEEDED", "its execution has succeeded without it")],
)
def test_what_goes_on_by_itself_is_left_with_the_reason(
    lanes: Connection, states: States, status: str, reason: str
) -> None:
    states.has(f"{MACHINE}:a", status)
    put(lanes, failed(f"{MACHINE}:a"))
    put(lanes, failed(f"{MACHINE}:of-last-year"))
    put(lanes, request_body(payload=None))
    assert sorted(outcomes(lanes)) == [
        (RedriveOutcome.LEFT, "Step Functions does not know its execution any more"),
        (RedriveOutcome.LEFT, "`payload` must be an object"),
        (RedriveOutcome.LEFT, reason),
    ]
    assert len(inside(lanes, "request_dlq")) == 3, "they are visible again"


def test_an_execution_that_was_redriven_since_is_not_redriven_again_whatever_became_of_it(
    lanes: Connection, states: States
) -> None:
    states.has(f"{MACHINE}:a", "FAILED", redriveDate=LATER)
    put(lanes, failed(f"{MACHINE}:a"))
    assert outcomes(lanes) == [(RedriveOutcome.DONE, "")]
    assert (states.redriven, inside(lanes, "request_dlq")) == ([], [])


def test_a_call_that_failed_once_more_is_redriven_once_more(lanes: Connection, states: States) -> None:
    states.has(f"{MACHINE}:a", "FAILED", redriveDate=datetime(2001, 1, 1, tzinfo=UTC))
    put(lanes, failed(f"{MACHINE}:a"))
    assert outcomes(lanes) == [(RedriveOutcome.RESTARTED, "")]


def test_a_request_whose_task_waits_goes_to_its_queue_as_its_tenants_and_its_task_waits_anew(
    lanes: Connection, states: States
) -> None:
    put(lanes, request_body(task_token="token-1"), MessageGroupId="tenant-1")
    assert outcomes(lanes) == [(RedriveOutcome.SENT, "")]
    [message] = inside(lanes, "request")
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == (
        request_body(task_token="token-1"),
        "tenant-1",
    )
    assert states.of("SendTaskHeartbeat") == [{"taskToken": "token-1"}]


def test_a_request_whose_task_has_ended_is_asked_for_anew_by_its_execution(lanes: Connection, states: States) -> None:
    states.has(place_of().execution)
    put(lanes, request_body(task_token="token-of-the-past"))
    assert outcomes(lanes) == [(RedriveOutcome.RESTARTED, "")]
    assert (states.redriven, inside(lanes, "request")) == ([place_of().execution], [])


def test_an_errand_goes_to_the_results_queue(lanes: Connection) -> None:
    put(lanes, {"kind": "check", "call_id": "c"})
    assert outcomes(lanes) == [(RedriveOutcome.SENT, "")]
    assert [json.loads(message["Body"]) for message in inside(lanes, "results")] == [{"kind": "check", "call_id": "c"}]


def test_a_callback_goes_to_the_inbox_as_it_came_and_when_it_came(lanes: Connection) -> None:
    said = {"vendor": "acme", "headers": "x-signature:abc\n", "received_epoch_s": "30.25", "outcome": "Forged"}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
    put(lanes, "e30=", "callback_dlq", MessageAttributes=attributes)
    assert outcomes(lanes, Wanted(error="Forged")) == [(RedriveOutcome.SENT, "")]
    [message] = inside(lanes, "callback")
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (message["Body"], told) == (
        "e30=",
        {"vendor": "acme", "headers": "x-signature:abc\n", "received_epoch_s": "30.25"},
    )


def test_a_redrive_that_is_killed_in_the_middle_and_run_again_restarts_none_twice(
    lanes: Connection, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        states.has(f"{MACHINE}:call-{number}")
        put(lanes, failed(f"{MACHINE}:call-{number}"))
    delete = HeldMessages.delete

    def killed_at_the_25th(held: HeldMessages, message: Any) -> None:
        if len(states.redriven) == 25:
            raise KeyboardInterrupt
        delete(held, message)

    monkeypatch.setattr(HeldMessages, "delete", killed_at_the_25th)
    with pytest.raises(KeyboardInterrupt):
        outcomes(lanes)
    monkeypatch.setattr(HeldMessages, "delete", delete)
    again = [outcome for outcome, _ in outcomes(lanes)]
    assert (again.count(RedriveOutcome.DONE), again.count(RedriveOutcome.RESTARTED)) == (1, 25)
    assert sorted(states.redriven) == sorted(f"{MACHINE}:call-{number}" for number in range(50))
    assert inside(lanes, "request_dlq") == []


def test_what_comes_back_while_a_redrive_goes_on_is_for_the_next_one(lanes: Connection, states: States) -> None:
    states.has(f"{MACHINE}:a")
    put(lanes, failed(f"{MACHINE}:a"))
    assert list(redrive(lanes, Wanted(), 1_000.0, lambda _: None)) == []
    assert (states.redriven, len(inside(lanes, "request_dlq"))) == ([], 1)


def test_a_callback_that_came_long_ago_and_is_put_aside_again_meanwhile_is_for_the_next_one(lanes: Connection) -> None:
    """A forged one is back from the inbox at once, with the moment of its first arrival."""
    said = {"vendor": "acme", "headers": "\n", "received_epoch_s": "30.25", "outcome": "Forged"}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items()}
    put(lanes, "e30=", "callback_dlq", MessageAttributes=attributes)
    assert list(redrive(lanes, Wanted(), 1_000.0, lambda _: None)) == []
    assert len(inside(lanes, "callback_dlq")) == 1


def test_no_more_go_on_than_the_soft_limit_leaves_room_for() -> None:
    slept_s: list[float] = []
    waiting, passed = [98, 100, 97], 0
    gate = Gate(lambda: waiting.pop(0), 100, slept_s.append)
    for _ in range(5):
        gate.wait()
        passed += 1
    assert (passed, waiting, slept_s) == (5, [], [1.0])
