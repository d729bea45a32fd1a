"""A lane is paused by its parameter and its mappings, on AWS's own shapes."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from headway_cdk.names import Dispatching

from headway.deployment.connection import Connection
from headway.errors import NotDeployed, NotReachable
from headway.operations import dispatching
from tests.unit.headway.connections import lane_of, moto_connection
from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT

NAME = "/headway/dev/acme/dispatching"
FUNCTION = "headway-dev-acme-dispatcher"
MAPPINGS = ("11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002")


class StubbedClouds:
    """Clients that answer what is put there, in that order."""

    def __init__(self) -> None:
        names = ("ssm", "lambda", "scheduler", "sqs")
        make: Any = boto3.client
        self.clients = {name: make(name, region_name="us-east-1") for name in names}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, name: str) -> Any:
        return self.clients[name]

    def all_answered(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> StubbedClouds:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    return StubbedClouds()


def connection_to(clouds: Any, monkeypatch: pytest.MonkeyPatch, **dispatch: str) -> Connection:
    document = {**VENDOR_DOCUMENT, "dispatch": {**VENDOR_DOCUMENT["dispatch"], **dispatch}}
    monkeypatch.setattr(dispatching, "contract_in_force", lambda *_: document)
    return replace(moto_connection(acme=lane_of(dispatcher_function=FUNCTION)), target=clouds)


def answer_state(stubbed: StubbedClouds, value: str = "open") -> None:
    stubbed.stubs["ssm"].add_response("get_parameters", {"Parameters": [{"Name": NAME, "Value": value}]})


def expect_written(stubbed: StubbedClouds, value: str) -> None:
    written = {"Name": NAME, "Value": value, "Type": "String", "Overwrite": True}
    stubbed.stubs["ssm"].add_response("put_parameter", {"Version": 2}, written)


def answer_mappings(stubbed: StubbedClouds) -> None:
    """Answer two pages of the function's mappings, and none of an alias that is not there."""
    stub, asked = stubbed.stubs["lambda"], {"FunctionName": FUNCTION}
    first, second = ({"EventSourceMappings": [{"UUID": uuid}]} for uuid in MAPPINGS)
    stub.add_response("list_event_source_mappings", {**first, "NextMarker": "more"}, asked)
    stub.add_response("list_event_source_mappings", second, {**asked, "Marker": "more"})
    stub.add_client_error("list_event_source_mappings", "ResourceNotFoundException", http_status_code=404)


@pytest.mark.parametrize(
    ("wanted", "enabled"), [(Dispatching.PAUSED, False), (Dispatching.OPEN, True), (Dispatching.DRAINING, True)]
)
def test_the_parameter_is_written_and_all_mappings_follow(
    stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch, wanted: Dispatching, enabled: bool
) -> None:
    answer_state(stubbed)
    expect_written(stubbed, wanted)
    answer_mappings(stubbed)
    for uuid in MAPPINGS:
        asked = {"UUID": uuid, "Enabled": enabled}
        stubbed.stubs["lambda"].add_response("update_event_source_mapping", {"State": "Updating"}, asked)
    state, on_the_way = ("Enabled", "Enabling") if enabled else ("Disabled", "Disabling")
    stubbed.stubs["lambda"].add_response("get_event_source_mapping", {"State": on_the_way})
    for _ in MAPPINGS:
        stubbed.stubs["lambda"].add_response("get_event_source_mapping", {"State": state})
    waits: list[float] = []
    dispatching.put(connection_to(stubbed, monkeypatch), "acme", wanted, sleep=waits.append, clock_s=lambda: sum(waits))
    assert waits == [dispatching.LOOK_S]
    stubbed.all_answered()


def test_a_mapping_that_does_not_settle_is_told(stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_state(stubbed)
    expect_written(stubbed, "paused")
    answer_mappings(stubbed)
    for _ in MAPPINGS:
        stubbed.stubs["lambda"].add_response("update_event_source_mapping", {"State": "Disabling"})
    for _ in range(4):
        stubbed.stubs["lambda"].add_response("get_event_source_mapping", {"State": "Disabling"})
    waits: list[float] = []
    with pytest.raises(NotReachable, match="a mapping of acme is not Disabled yet: run the command again"):
        dispatching.put(
            connection_to(stubbed, monkeypatch),
            "acme",
            Dispatching.PAUSED,
            sleep=waits.append,
            clock_s=lambda: 100.0 * len(waits),
        )


def test_a_schedule_is_disabled_and_keeps_all_else(stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_state(stubbed)
    expect_written(stubbed, "paused")
    stub = stubbed.stubs["scheduler"]
    ours: dict[str, Any] = {
        "Name": "ours",
        "GroupName": "default",
        "Target": {"Arn": f"arn:aws:lambda:x:1:function:{FUNCTION}"},
    }
    other = {**ours, "Name": "other", "Target": {"Arn": "arn:aws:lambda:x:1:function:other"}}
    stub.add_response("list_schedules", {"Schedules": [other, ours]})
    kept = {
        "Name": "ours",
        "GroupName": "default",
        "ScheduleExpression": "rate(5 minutes)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": ours["Target"]["Arn"], "RoleArn": "arn:aws:iam::1:role/schedule", "Input": "{}"},
    }
    asked = {"Name": "ours", "GroupName": "default"}
    stub.add_response("get_schedule", {**kept, "State": "ENABLED", "Arn": "arn:aws:scheduler:x:1:schedule/a"}, asked)
    answered = {"ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/ours"}
    stub.add_response("update_schedule", answered, {**kept, "State": "DISABLED"})
    dispatching.put(connection_to(stubbed, monkeypatch, trigger="schedule"), "acme", Dispatching.PAUSED)
    stubbed.all_answered()


def test_a_lane_of_an_older_version_is_told_what_to_do(stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed.stubs["ssm"].add_response("get_parameters", {"Parameters": [], "InvalidParameters": [NAME]})
    with pytest.raises(NotDeployed, match="deploy it with this version of Headway"):
        dispatching.put(connection_to(stubbed, monkeypatch), "acme", Dispatching.PAUSED)


def test_throttling_is_one_line(stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch) -> None:
    stubbed.stubs["ssm"].add_client_error("get_parameters", "ThrottlingException", "Rate exceeded")
    with pytest.raises(NotReachable, match="ThrottlingException: Rate exceeded"):
        dispatching.state_of(connection_to(stubbed, monkeypatch), "acme")


def test_a_pause_says_how_many_wait_in_all_queues_and_their_deadline(
    stubbed: StubbedClouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    stubbed.stubs["sqs"].add_response("get_queue_attributes", {"Attributes": dict(zip(names, "73", strict=True))})
    cost = dispatching.forecast(connection_to(stubbed, monkeypatch), "acme")
    assert cost.waiting_count == 10
    assert cost.patience_s > 0
