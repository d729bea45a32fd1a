"""A tuning goes to the right application, environment and profile, by the strategy that was asked for."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from headway.deployment.connection import Connection
from headway.operations.tunings import Strategy, deploy, state_of
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
    stubbed.stubs["appconfig"].add_response("get_deployment", {"State": "BAKING"}, asked)
    assert state_of(connection_to(stubbed), "acme", 3) == "BAKING"


def test_a_lane_without_its_application_is_named(stubbed: StubbedTarget) -> None:
    stubbed.stubs["appconfig"].add_response("list_applications", {"Items": OTHERS}, {})
    with pytest.raises(LookupError, match="headway-dev-acme-config"):
        state_of(connection_to(stubbed), "acme", 3)
