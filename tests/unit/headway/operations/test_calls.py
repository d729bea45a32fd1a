"""Calls by whatever ID is at hand, and their traces: DynamoDB by moto, the rest in AWS's own shapes by the Stubber."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from headway_lane.ledger.record import EXECUTION_INDEX, CallState
from headway_lane.messages.trace_context import traceparent_of
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.errors import UsageProblem
from headway.operations.call_traces import trace
from headway.operations.calls import CallsWanted, find_calls, list_calls
from tests.unit.headway.connections import MotoTarget, lane_of, stage_of

CALL_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_ID = "0" * 32
ACCOUNT = "arn:aws:states:us-east-1:123456789012"
MACHINE = f"{ACCOUNT}:stateMachine:call-vendor"
ARN = f"{ACCOUNT}:execution:call-vendor:hw-0a1b-1"
SECOND = f"{ACCOUNT}:execution:call-vendor:hw-0a1b-2"
MOMENT = datetime(2026, 12, 1, tzinfo=UTC)
QUEUED_MS = round(MOMENT.timestamp() * 1_000)
RECORD: dict[str, Any] = {
    "call_id": CALL_ID,
    "state": "accepted",
    "vendor": "acme",
    "execution": ARN,
    "step": "CallVendor",
    "waiter": "the-task-token",
    "job_id": "job-1",
    "round": 1,
    "queued_epoch_ms": QUEUED_MS,
    "accepted_epoch_ms": QUEUED_MS + 5_000,
}


@dataclass(frozen=True)
class StubbedTarget(MotoTarget):
    """moto's tables; the clients that a test gives."""

    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, name: str) -> Any:
        return self.clients[name] if name in self.clients else super().client(name)


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        texts = [{"AttributeName": name, "AttributeType": "S"} for name in ("call_id", "execution")]
        index: Any = {
            "IndexName": EXECUTION_INDEX,
            "KeySchema": [
                {"AttributeName": "execution", "KeyType": "HASH"},
                {"AttributeName": "call_id", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        dynamodb.create_table(
            TableName="calls",
            KeySchema=[{"AttributeName": "call_id", "KeyType": "HASH"}],
            AttributeDefinitions=texts,  # type: ignore[arg-type] # literals
            GlobalSecondaryIndexes=[index],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.create_table(
            TableName="jobs",
            KeySchema=[{"AttributeName": "job_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "job_key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        target = StubbedTarget()
        target.table("calls").put_item(Item=RECORD)
        other = {"call_id": OTHER_ID, "state": "queued", "queued_epoch_ms": QUEUED_MS - 60_000, "waiter": "another"}
        target.table("calls").put_item(Item=other)
        target.table("jobs").put_item(Item={"job_key": "acme#job-1", "call_ids": {CALL_ID}, "tenant": "t"})
        lane = lane_of(
            calls_table="calls",
            jobs_table="jobs",
            call_vendor_machine_arn=MACHINE,
            dispatcher_function="dispatcher",
            caller_function="caller",
            results_function="results",
            settler_function="settler",
            callback_function="callback",
        )
        yield Connection("aws", target, stage_of({"acme": lane}))


def stubbed(lanes: Connection, service: str) -> Stubber:
    client = boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload] # a literal elsewhere
    lanes.target.clients[service] = client  # type: ignore[attr-defined]
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def execution(arn: str, **more: Any) -> dict[str, Any]:
    return {
        "executionArn": arn,
        "stateMachineArn": MACHINE,
        "name": arn.rpartition(":")[2],
        "status": "RUNNING",
        "startDate": MOMENT,
        **more,
    }


def ids(lanes: Connection, identity: str) -> list[str | None]:
    return [call.call_id for call in find_calls(lanes, identity)]


@pytest.mark.parametrize("identity", [CALL_ID, traceparent_of(CALL_ID, 7), "job-1"])
def test_a_call_is_found_by_its_own_id_its_trace_and_its_job(lanes: Connection, identity: str) -> None:
    [call] = find_calls(lanes, identity)
    assert (call.call_id, call.state, call.since_epoch_ms) == (CALL_ID, CallState.ACCEPTED, QUEUED_MS + 5_000)
    assert call.job["job_key"] == "acme#job-1"
    assert "the-task-token" not in json.dumps(call.as_json()) + repr(call)


@pytest.mark.parametrize("identity", [SECOND, "hw-0a1b-2"])
def test_a_call_is_found_by_the_execution_of_a_later_run_too(lanes: Connection, identity: str) -> None:
    states = stubbed(lanes, "stepfunctions")
    handed_on = json.dumps({"payload": {}, "call": {"execution": ARN, "state": "CallVendor"}})
    states.add_response("describe_execution", execution(SECOND, input=handed_on), {"executionArn": SECOND})
    assert ids(lanes, identity) == [CALL_ID]


def test_an_execution_whose_request_is_in_its_queue_is_a_call_without_a_record(lanes: Connection) -> None:
    states, arn = stubbed(lanes, "stepfunctions"), f"{ACCOUNT}:execution:call-vendor:new"
    states.add_response("describe_execution", execution(arn, input="{}"), {"executionArn": arn})
    [call] = find_calls(lanes, arn)
    assert (call.vendor, call.call_id, call.execution, call.state) == ("acme", None, arn, None)


def test_what_nobody_knows_is_refused_with_its_name(lanes: Connection) -> None:
    states = stubbed(lanes, "stepfunctions")
    states.add_client_error("describe_execution", "ExecutionDoesNotExist", http_status_code=400)
    with pytest.raises(UsageProblem, match="nonsense: no call, job or execution of stage dev"):
        find_calls(lanes, "nonsense")
    with pytest.raises(UsageProblem, match="--vendor globex: stage dev has acme"):
        find_calls(lanes, CALL_ID, "globex")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CallsWanted(), {CALL_ID, OTHER_ID}),
        (CallsWanted(state=CallState.ACCEPTED), {CALL_ID}),
        (CallsWanted(older_than_s=30), {OTHER_ID}),
        (CallsWanted(newer_than_s=30), {CALL_ID}),
    ],
)
def test_calls_are_listed_by_where_they_stand_and_since_when(
    lanes: Connection, wanted: CallsWanted, found: set[str]
) -> None:
    now_s = QUEUED_MS / 1_000 + 5
    assert {call.call_id for call in list_calls(lanes, wanted, now_s)} == found
    assert len(list(list_calls(lanes, CallsWanted(limit=1), now_s))) == 1


def line(message: str, second: int, **more: Any) -> dict[str, Any]:
    """Return an event of a log as FilterLogEvents gives it."""
    text = {"message": message, "timestamp": f"2026-12-01 00:00:0{second},000+0000", "call_id": CALL_ID, **more}
    return {"message": json.dumps(text), "timestamp": QUEUED_MS + 9_000, "eventId": "e", "ingestionTime": 1}


def test_a_trace_is_told_from_executions_ledger_and_logs_and_what_cannot_be_read_is_named(lanes: Connection) -> None:
    states, functions, logs = (stubbed(lanes, name) for name in ("stepfunctions", "lambda", "logs"))
    states.add_response("describe_execution", execution(ARN), {"executionArn": ARN})
    states.add_client_error("describe_execution", "ExecutionDoesNotExist", http_status_code=400)
    history = [
        {"id": 1, "type": "ExecutionStarted", "timestamp": MOMENT, "previousEventId": 0},
        {
            "id": 2,
            "type": "TaskStateEntered",
            "timestamp": MOMENT,
            "previousEventId": 1,
            "stateEnteredEventDetails": {"name": "CallVendor"},
        },
        {"id": 3, "type": "TaskSubmitted", "timestamp": MOMENT, "previousEventId": 2},
    ]
    asked = {"executionArn": ARN, "includeExecutionData": False, "maxResults": ANY}
    states.add_response("get_execution_history", {"events": history}, asked)
    for function in ("dispatcher", "caller", "results", "settler", "callback"):
        name = {"FunctionName": function}
        functions.add_response("get_function_configuration", {"LoggingConfig": {"LogGroup": f"log-{function}"}}, name)
        term = "job-1" if function == "callback" else CALL_ID
        wanted = {"logGroupName": f"log-{function}", "filterPattern": f'"{term}"', "startTime": QUEUED_MS - 60_000}
        if function == "settler":
            logs.add_client_error("filter_log_events", "ThrottlingException", "Rate exceeded", 400)
        elif function == "caller":
            logs.add_response(
                "filter_log_events", {"events": [line("call made", 2, outcome="deferred")], "nextToken": "2"}, wanted
            )
            logs.add_response(
                "filter_log_events",
                {"events": [line("call made", 4, outcome="accepted")]},
                {**wanted, "nextToken": "2"},
            )
        else:
            logs.add_response("filter_log_events", {"events": []}, wanted)
    [call] = find_calls(lanes, CALL_ID)
    found = trace(lanes, call)
    assert [(hop.at_epoch_ms - QUEUED_MS, hop.hop) for hop in found.hops] == [
        (0, "taken from its queue"),
        (0, "execution started"),
        (0, "in its queue"),
        (2_000, "call made"),
        (4_000, "call made"),
        (5_000, "accepted by the vendor"),
    ]
    assert [gap.partition(":")[0] for gap in found.gaps] == ["the log of settler"]
    assert "Rate exceeded" in found.gaps[0]
    assert found.traceparent == traceparent_of(CALL_ID, 1)
    assert "the vendor works on it" in found.standing
    assert "the-task-token" not in json.dumps(found.as_json())
    for stubber in (states, functions, logs):
        stubber.assert_no_pending_responses()
