"""A tuning goes to the right application, environment and profile, by the strategy that was asked for."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from headway.deployment.connection import Connection
from headway.errors import NotDeployed, NotReachable, OperationRefused
from headway.operations.strategy import Strategy
from headway.operations.tunings import Rollback, deploy, go_back, history, in_force, state_of, way_back
from tests.unit.headway.connections import lane_of, moto_connection

OTHERS = [{"Id": "app0001", "Name": "headway-dev-other-config"}]
OURS = {"Id": "app0002", "Name": "headway-dev-acme-config"}
IN_APPLICATION = {"ApplicationId": "app0002"}


class StubbedTarget:
    """Clients that answer what is put there, in that order, and nothing else."""

    def __init__(self) -> None:
        self.clients = {name: boto3.client(name, region_name="us-east-1") for name in ("appconfig", "ssm")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, name: str) -> Any:
        return self.clients[name]


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> StubbedTarget:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    return StubbedTarget()


def connection_to(target: Any) -> Connection:
    return replace(moto_connection(acme=lane_of()), target=target)


def answer_place(stub: Stubber) -> None:
    """Answer with two pages of applications, and one environment."""
    stub.add_response("list_applications", {"Items": OTHERS, "NextToken": "more"}, {})
    stub.add_response("list_applications", {"Items": [OURS]}, {"NextToken": "more"})
    stub.add_response("list_environments", {"Items": [{"Id": "env0001", "Name": "acme"}]}, IN_APPLICATION)


@pytest.mark.parametrize(
    ("strategy", "parameter"),
    [(Strategy.GRADUAL, "gradual_strategy_id"), (Strategy.NOW, "at_once_strategy_id")],
)
def test_a_tuning_is_deployed_by_its_strategy(stubbed: StubbedTarget, strategy: Strategy, parameter: str) -> None:
    app_config, document = stubbed.stubs["appconfig"], {"rate_per_s": 12}
    answer_place(app_config)
    profiles = [{"Id": "pro0001", "Name": "contract"}, {"Id": "pro0002", "Name": "tuning"}]
    app_config.add_response("list_configuration_profiles", {"Items": profiles}, IN_APPLICATION)
    hosted = {
        **IN_APPLICATION,
        "ConfigurationProfileId": "pro0002",
        "Content": json.dumps(document).encode(),
        "ContentType": "application/json",
    }
    app_config.add_response("create_hosted_configuration_version", {"VersionNumber": 7}, hosted)
    stubbed.stubs["ssm"].add_response(
        "get_parameter", {"Parameter": {"Value": "str0001"}}, {"Name": f"/headway/dev/base/{parameter}"}
    )
    started = {
        **IN_APPLICATION,
        "EnvironmentId": "env0001",
        "ConfigurationProfileId": "pro0002",
        "ConfigurationVersion": "7",
        "DeploymentStrategyId": "str0001",
    }
    app_config.add_response("start_deployment", {"DeploymentNumber": 3}, started)
    assert deploy(connection_to(stubbed), "acme", document, strategy) == 3
    for stub in stubbed.stubs.values():
        stub.assert_no_pending_responses()


def test_the_state_of_a_deployment_is_in_the_words_of_app_config(stubbed: StubbedTarget) -> None:
    answer_place(stubbed.stubs["appconfig"])
    asked = {**IN_APPLICATION, "EnvironmentId": "env0001", "DeploymentNumber": 3}
    stubbed.stubs["appconfig"].add_response("get_deployment", {"DeploymentNumber": 3, "State": "BAKING"}, asked)
    assert state_of(connection_to(stubbed), "acme", 3).state == "BAKING"


def test_a_lane_without_its_application_is_named(stubbed: StubbedTarget) -> None:
    stubbed.stubs["appconfig"].add_response("list_applications", {"Items": OTHERS}, {})
    with pytest.raises(NotDeployed, match="headway-dev-acme-config"):
        state_of(connection_to(stubbed), "acme", 3)


PROFILES = {"Items": [{"Id": "pro0001", "Name": "contract"}, {"Id": "pro0002", "Name": "tuning"}]}
IN_ENVIRONMENT = {**IN_APPLICATION, "EnvironmentId": "env0001"}
STARTED = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)


def summary(number: int, state: str, version: int, name: str = "tuning") -> dict[str, Any]:
    """Return what ListDeployments says of a deployment."""
    return {
        "DeploymentNumber": number,
        "ConfigurationName": name,
        "ConfigurationVersion": str(version),
        "State": state,
        "PercentageComplete": 100.0 if state == "COMPLETE" else 25.0,
        "StartedAt": STARTED,
    }


def answer_deployments(stub: Stubber, *summaries: dict[str, Any]) -> None:
    """Answer with two pages of deployments, as AWS gives them: the last one first."""
    half = len(summaries) // 2
    stub.add_response("list_deployments", {"Items": list(summaries[:half]), "NextToken": "more"}, IN_ENVIRONMENT)
    stub.add_response("list_deployments", {"Items": list(summaries[half:])}, {**IN_ENVIRONMENT, "NextToken": "more"})


def answer_document(stub: Stubber, version: int, document: Any) -> None:
    content = json.dumps(document).encode()
    stub.add_response(
        "get_hosted_configuration_version",
        {"Content": StreamingBody(io.BytesIO(content), len(content)), "VersionNumber": version},
        {**IN_APPLICATION, "ConfigurationProfileId": "pro0002", "VersionNumber": version},
    )


def test_in_force_is_what_was_deployed_last_to_the_end(stubbed: StubbedTarget) -> None:
    stub = stubbed.stubs["appconfig"]
    answer_place(stub)
    answer_deployments(
        stub,
        summary(9, "DEPLOYING", 5),
        summary(8, "COMPLETE", 1, "contract"),
        summary(7, "ROLLED_BACK", 4),
        summary(6, "COMPLETE", 3),
        summary(2, "COMPLETE", 1),
    )
    stub.add_response("list_configuration_profiles", PROFILES, IN_APPLICATION)
    answer_document(stub, 3, {"rate_per_s": 12})
    assert in_force(connection_to(stubbed), "acme") == {"rate_per_s": 12}


def test_the_history_has_only_tunings_with_what_each_said(stubbed: StubbedTarget) -> None:
    stub = stubbed.stubs["appconfig"]
    answer_place(stub)
    stub.add_response("list_configuration_profiles", PROFILES, IN_APPLICATION)
    answer_deployments(
        stub, summary(3, "COMPLETE", 2), summary(2, "COMPLETE", 1, "contract"), summary(1, "COMPLETE", 1)
    )
    answer_document(stub, 2, {"rate_per_s": 12})
    answer_document(stub, 1, {"rate_per_s": 20})
    last, first = history(connection_to(stubbed), "acme", 10)
    assert (last.number, last.document, last.started) == (3, {"rate_per_s": 12}, "2026-12-01T04:30:00+00:00")
    assert (first.number, first.document) == (1, {"rate_per_s": 20})


def test_the_way_back_from_a_tuning_in_force_is_the_one_before(stubbed: StubbedTarget) -> None:
    stub = stubbed.stubs["appconfig"]
    answer_place(stub)
    answer_deployments(stub, summary(4, "COMPLETE", 2), summary(3, "COMPLETE", 2), summary(1, "COMPLETE", 1))
    stub.add_response("list_configuration_profiles", PROFILES, IN_APPLICATION)
    answer_document(stub, 1, {"rate_per_s": 20})
    assert way_back(connection_to(stubbed), "acme") == Rollback({"rate_per_s": 20}, "1", None)


def test_the_way_back_from_a_deployment_under_way_is_its_end(stubbed: StubbedTarget) -> None:
    stub = stubbed.stubs["appconfig"]
    answer_place(stub)
    answer_deployments(stub, summary(4, "BAKING", 2), summary(1, "COMPLETE", 1))
    stub.add_response("list_configuration_profiles", PROFILES, IN_APPLICATION)
    answer_document(stub, 1, {"rate_per_s": 20})
    way = way_back(connection_to(stubbed), "acme")
    assert way == Rollback({"rate_per_s": 20}, "1", 4)
    answer_place(stub)
    stub.add_response("stop_deployment", {"DeploymentNumber": 4}, {**IN_ENVIRONMENT, "DeploymentNumber": 4})
    assert go_back(connection_to(stubbed), "acme", way, Strategy.NOW) == 4
    stub.assert_no_pending_responses()


REFUSED = {
    "Reason": "InvalidConfiguration",
    "Details": {
        "InvalidConfiguration": [
            {"Type": "JSON_SCHEMA", "Location": "#/rate_per_s", "Reason": "30 is greater than the maximum of 20"}
        ]
    },
}


@pytest.mark.parametrize(
    ("code", "more", "problem", "words"),
    [
        ("BadRequestException", REFUSED, OperationRefused, "#/rate_per_s 30 is greater than the maximum of 20"),
        ("BadRequestException", {}, OperationRefused, "words of AWS"),
        ("ConflictException", {}, OperationRefused, "another deployment is under way: wait"),
        ("ThrottlingException", {}, NotReachable, "ThrottlingException: words of AWS"),
    ],
)
def test_what_aws_refuses_is_one_line(
    stubbed: StubbedTarget, code: str, more: dict[str, Any], problem: type[Exception], words: str
) -> None:
    stub = stubbed.stubs["appconfig"]
    answer_place(stub)
    stub.add_response("list_configuration_profiles", PROFILES, IN_APPLICATION)
    stub.add_response("create_hosted_configuration_version", {"VersionNumber": 7})
    stubbed.stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": "str0001"}})
    stub.add_client_error("start_deployment", code, "words of\nAWS", http_status_code=400, modeled_fields=more or None)
    with pytest.raises(problem) as caught:
        deploy(connection_to(stubbed), "acme", {"rate_per_s": 30}, Strategy.NOW)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_throttled_read_is_one_line(stubbed: StubbedTarget) -> None:
    stubbed.stubs["appconfig"].add_client_error("list_applications", "ThrottlingException", "Rate exceeded")
    with pytest.raises(NotReachable, match="ThrottlingException: Rate exceeded"):
        in_force(connection_to(stubbed), "acme")


def test_an_unknown_vendor_is_told_which_there_are(stubbed: StubbedTarget) -> None:
    with pytest.raises(NotDeployed, match="no vendor nobody in stage dev: it has acme"):
        deploy(connection_to(stubbed), "nobody", {}, Strategy.NOW)
