"""Gradual roll-outs: a fleet of sessions sees both versions for a while; this cloud has short minutes of strategies."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from headway.cloud import process
from headway.cloud.strictness import LENIENT_VARIABLE
from headway.deployment.target import LocalTarget, Target
from tests.cloud.conftest import Clouds
from tests.cloud.functions import status_of_stack

MINUTE_S = 0.5
SESSIONS_COUNT = 40


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Start a strict cloud with short minutes."""
    folder = tmp_path_factory.mktemp("hasty")
    try:
        environment = {LENIENT_VARIABLE: "", "HEADWAY_ROLLOUT_MINUTE_S": str(MINUTE_S)}
        yield LocalTarget(process.start(folder, extra_environment=environment).endpoint_url)
    finally:
        process.stop(folder)


class Session:
    """A function's session: it remembers what it was given, as AppConfig gives nothing twice."""

    def __init__(self, client: Any, names: dict[str, str], **more: Any) -> None:
        self._client = client
        self._token = client.start_configuration_session(**names, **more)["InitialConfigurationToken"]
        self.seen: list[bytes] = []

    def poll(self) -> bytes:
        answer = self._client.get_latest_configuration(ConfigurationToken=self._token)
        self._token = answer["NextPollConfigurationToken"]
        content: bytes = answer["Configuration"].read()
        self.seen.append(content or self.seen[-1])
        return self.seen[-1]


class Rollouts:
    """An application whose first version is everywhere."""

    def __init__(self, target: Target, name: str) -> None:
        self.client = target.client("appconfig")
        self.data = target.client("appconfigdata")
        application = self.client.create_application(Name=name)["Id"]
        self.place = {
            "ApplicationId": application,
            "EnvironmentId": self.client.create_environment(ApplicationId=application, Name="acme")["Id"],
        }
        self.profile = self.client.create_configuration_profile(
            ApplicationId=application, Name="tuning", LocationUri="hosted"
        )["Id"]
        self.at_once = self.strategy("at-once", duration=0, growth=100, bake=0)
        self.gradual = self.strategy("gradual", duration=4, growth=25, bake=1)
        self.deploy(b"old", self.at_once)

    def strategy(self, name: str, *, duration: int, growth: float, bake: int) -> str:
        made = self.client.create_deployment_strategy(
            Name=name,
            DeploymentDurationInMinutes=duration,
            GrowthFactor=growth,
            FinalBakeTimeInMinutes=bake,
            ReplicateTo="NONE",
        )
        return str(made["Id"])

    def deploy(self, content: bytes, strategy: str) -> int:
        version = self.client.create_hosted_configuration_version(
            ApplicationId=self.place["ApplicationId"],
            ConfigurationProfileId=self.profile,
            Content=content,
            ContentType="application/octet-stream",
        )["VersionNumber"]
        started = self.client.start_deployment(
            **self.place,
            DeploymentStrategyId=strategy,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(version),
        )
        return int(started["DeploymentNumber"])

    def session(self, **more: Any) -> Session:
        names = {
            "ApplicationIdentifier": self.place["ApplicationId"],
            "EnvironmentIdentifier": self.place["EnvironmentId"],
            "ConfigurationProfileIdentifier": self.profile,
        }
        return Session(self.data, names, **more)

    def state(self, number: int) -> str:
        return str(self.client.get_deployment(**self.place, DeploymentNumber=number)["State"])

    def wait(self, number: int, *states: str) -> None:
        end_s = time.monotonic() + 10 * MINUTE_S + 3
        while self.state(number) not in states and time.monotonic() < end_s:
            time.sleep(MINUTE_S / 5)
        assert self.state(number) in states


def test_a_fleet_sees_both_versions_and_each_session_goes_forward_only(hasty: Target) -> None:
    rollouts = Rollouts(hasty, "fleet")
    fleet = [rollouts.session() for _ in range(SESSIONS_COUNT)]
    assert {session.poll() for session in fleet} == {b"old"}
    number = rollouts.deploy(b"new", rollouts.gradual)
    both = False
    while rollouts.state(number) == "DEPLOYING":
        both |= {session.poll() for session in fleet} == {b"old", b"new"}
        time.sleep(MINUTE_S / 4)
    assert both
    assert {session.poll() for session in fleet} == {b"new"}
    assert all(session.seen == sorted(session.seen, key=[b"old", b"new"].index) for session in fleet)
    rollouts.wait(number, "COMPLETE")


def test_an_environment_takes_one_deployment_at_a_time(hasty: Target) -> None:
    rollouts = Rollouts(hasty, "one")
    rollouts.deploy(b"new", rollouts.gradual)
    with pytest.raises(rollouts.client.exceptions.ConflictException):
        rollouts.deploy(b"newer", rollouts.at_once)


def test_a_stopped_deployment_takes_the_new_version_from_everybody(hasty: Target) -> None:
    rollouts = Rollouts(hasty, "stopped")
    fleet = [rollouts.session() for _ in range(SESSIONS_COUNT)]
    number = rollouts.deploy(b"new", rollouts.gradual)
    end_s = time.monotonic() + 4 * MINUTE_S
    while b"new" not in {session.poll() for session in fleet} and time.monotonic() < end_s:
        time.sleep(MINUTE_S / 5)
    rollouts.client.stop_deployment(**rollouts.place, DeploymentNumber=number)
    assert rollouts.state(number) == "ROLLED_BACK"
    assert {session.poll() for session in fleet} == {b"old"}
    assert any(b"new" in session.seen for session in fleet)


def test_a_token_is_good_once(clouds: Clouds) -> None:
    rollouts = Rollouts(clouds.strict, "tokens")
    session = rollouts.session()
    token = session._token
    session.poll()
    with pytest.raises(rollouts.data.exceptions.BadRequestException):
        rollouts.data.get_latest_configuration(ConfigurationToken=token)


def test_a_session_polls_no_sooner_than_it_said(clouds: Clouds) -> None:
    session = Rollouts(clouds.strict, "interval").session(RequiredMinimumPollIntervalInSeconds=15)
    session.poll()
    with pytest.raises(ClientError) as refused:
        session.poll()
    answer: Any = refused.value.response
    assert answer["Error"]["Code"] == "BadRequestException"
    assert "PollIntervalNotSatisfied" in json.dumps(answer)
    lenient = Rollouts(clouds.lenient, "interval").session(RequiredMinimumPollIntervalInSeconds=15)
    assert lenient.poll() == lenient.poll() == b"old"


def deployed_by_stack(target: Target, rollouts: Rollouts, name: str) -> tuple[str, str]:
    """Deploy a version by a stack; return the stack's status and the state of its deployment."""
    version = {
        "ApplicationId": rollouts.place["ApplicationId"],
        "ConfigurationProfileId": rollouts.profile,
    }
    resources = {
        "Version": {
            "Type": "AWS::AppConfig::HostedConfigurationVersion",
            "Properties": {**version, "Content": "of a stack", "ContentType": "text/plain"},
        },
        "Deployment": {
            "Type": "AWS::AppConfig::Deployment",
            "Properties": {
                **version,
                "EnvironmentId": rollouts.place["EnvironmentId"],
                "ConfigurationVersion": {"Ref": "Version"},
                "DeploymentStrategyId": rollouts.gradual,
            },
        },
    }
    status = status_of_stack(target, name, {"Resources": resources})
    (*_, last) = rollouts.client.list_deployments(**rollouts.place)["Items"]
    return status, last["State"]


def test_a_stack_rolls_out_by_its_strategy_and_fails_where_another_deployment_runs(clouds: Clouds) -> None:
    strict, lenient = (Rollouts(target, "stacks") for target in (clouds.strict, clouds.lenient))
    assert deployed_by_stack(clouds.strict, strict, "gradual") == ("CREATE_COMPLETE", "DEPLOYING")
    assert deployed_by_stack(clouds.strict, strict, "second")[0] == "ROLLBACK_COMPLETE"
    assert deployed_by_stack(clouds.lenient, lenient, "gradual") == ("CREATE_COMPLETE", "COMPLETE")
