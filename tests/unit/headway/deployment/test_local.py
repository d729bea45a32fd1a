"""Bringing a stage up on the embedded cloud: which stacks are looked at, which go, and the step that AWS needs not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from headway_cdk.parameters import EMBEDDED_URL_PARAMETER, base_url_parameter
from headway_cdk.project import bare
from headway_lane.contract.limits import Scope

from headway.cloud import process
from headway.deployment import assembly, local
from headway.deployment.assembly import Artifact
from headway.deployment.connection import Connection
from headway.deployment.places import SIMULATOR_PORT
from headway.deployment.stage import DeployedStage
from headway.errors import DeploymentFailed, NotDeployed
from headway.simulator.keys import load_or_create
from tests.unit.headway.connections import lane_of, stage_of
from tests.unit.headway.deployment.clouds import FakeCloudFormation, FakeStack, FakeTarget, artifact
from tests.unit.headway_lane.fakes import vendor_of

STACKS = ("base", "acme-state", "acme-lane", "globex-state", "globex-lane", "workflows")
SIMULATOR = f"http://127.0.0.1:{SIMULATOR_PORT}"
VENDORS = {
    "acme": vendor_of({"credential": {"header": "Authorization", "format": "Bearer {token}"}}),
    "globex": vendor_of({"vendor": "globex"}),
}
LANES = {
    name: lane_of(
        webhook_key_arn=f"{name}-webhook-key",
        api_token_arn="acme-api-token" if name == "acme" else None,
        caller_function=f"{name}-caller",
        callback_function=f"{name}-callback",
        settler_function=f"{name}-settler",
        results_function=f"{name}-results",
    )
    for name in VENDORS
}


class Deployment:
    """What is deployed where by `up`, on a cloud whose stacks are `cloudformation.stacks`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloudformation = FakeCloudFormation()
        self.target = FakeTarget(self.cloudformation)
        self.deployed: list[str] = []
        self.parameters: Mapping[str, str] = {}
        self.said: list[str] = []
        self._folder = folder
        cloud = SimpleNamespace(endpoint_url=self.target.endpoint_url)
        artifacts = [artifact(folder, name, stack_name=f"Headway-dev-{name}") for name in STACKS]
        files = {name: SimpleNamespace(vendor=vendor) for name, vendor in VENDORS.items()}
        monkeypatch.setattr(local, "vendor_files", lambda configuration, stage: files)
        monkeypatch.setattr(local, "synthesize", lambda *_: folder)
        monkeypatch.setattr(process, "start", lambda *_: cloud)
        monkeypatch.setattr(local, "LocalTarget", lambda url: self.target)
        monkeypatch.setattr(assembly, "stacks", lambda _: artifacts)
        monkeypatch.setattr(local, "deploy", self._deploy)
        monkeypatch.setattr(DeployedStage, "found", lambda target, name: stage_of(LANES))

    def up(self, urls: Mapping[str, str] | None = None, **choices: Any) -> Connection:
        return local.up(bare(self._folder), urls or {}, state_dir=self._folder, progress=self.said.append, **choices)

    @property
    def secrets(self) -> dict[str, str]:
        """Return what was put into secrets, by ARN."""
        put = self.target.client("secretsmanager").of("put_secret_value")
        return {given["SecretId"]: given["SecretString"] for given in put}

    @property
    def caps(self) -> dict[str, int]:
        """Return the concurrency that functions were given, by name."""
        put = self.target.client("lambda").of("put_function_concurrency")
        return {given["FunctionName"]: given["ReservedConcurrentExecutions"] for given in put}

    def _deploy(
        self, target: object, artifacts: Sequence[Artifact], parameters: Mapping[str, str], say: Any
    ) -> frozenset[str]:
        self.deployed += [one.stack_name.removeprefix("Headway-dev-") for one in artifacts]
        self.parameters = parameters
        say(artifacts[0].stack_name, "unchanged")
        return frozenset()


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(tmp_path, monkeypatch)


def test_all_stacks_are_looked_at_and_what_happens_to_them_is_said(deployment: Deployment) -> None:
    connection = deployment.up()
    assert tuple(deployment.deployed) == STACKS
    assert "Headway-dev-base: unchanged" in deployment.said
    assert (connection.name, connection.stage.lanes) == ("local", LANES)


def test_with_only_one_vendor_its_stacks_and_what_they_need_are_looked_at(deployment: Deployment) -> None:
    deployment.cloudformation.stacks["Headway-dev-initech-lane"] = FakeStack({}, {}, "CREATE_COMPLETE")
    deployment.up(only="globex")
    assert deployment.deployed == ["base", "globex-state", "globex-lane"]
    assert "Headway-dev-initech-lane" in deployment.cloudformation.stacks, "nothing else is touched"
    assert set(deployment.secrets) == {"globex-webhook-key"}
    assert {name.partition("-")[0] for name in deployment.caps} == {"globex"}


def test_stacks_of_a_vendor_that_is_gone_are_deleted_the_lane_before_the_state_and_no_other_stages(
    deployment: Deployment,
) -> None:
    for name in ("dev-initech-state", "dev-initech-lane", "dev-acme-lane", "dev2-initech-lane"):
        deployment.cloudformation.stacks[f"Headway-{name}"] = FakeStack({}, {}, "CREATE_COMPLETE")
    deployment.up()
    assert deployment.cloudformation.told == ["delete Headway-dev-initech-lane", "delete Headway-dev-initech-state"]


def test_a_projects_machines_that_are_gone_go_before_the_lanes_on_whose_roles_their_policies_hang(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [one for one in assembly.stacks(Path()) if not one.stack_name.endswith("workflows")]
    monkeypatch.setattr(assembly, "stacks", lambda _: left)
    for name in ("initech-state", "initech-lane", "workflows"):
        deployment.cloudformation.stacks[f"Headway-dev-{name}"] = FakeStack({}, {}, "CREATE_COMPLETE")
    deployment.up()
    gone = [f"delete Headway-dev-{name}" for name in ("workflows", "initech-lane", "initech-state")]
    assert deployment.cloudformation.told == gone


@pytest.mark.parametrize("choices", [{"only": "initech"}, {"urls": {"initech": SIMULATOR}}])
def test_a_vendor_that_nobody_knows_is_refused_before_anything_begins(
    deployment: Deployment, choices: dict[str, Any]
) -> None:
    with pytest.raises(NotDeployed, match=r"no vendor initech in .*vendors; there is acme, globex"):
        deployment.up(**choices)
    assert deployment.said == []


def test_no_real_vendor_is_called_unless_somebody_says_where_it_is(deployment: Deployment) -> None:
    deployment.up({"globex": "http://127.0.0.1:7001"})
    assert deployment.parameters == {
        EMBEDDED_URL_PARAMETER: deployment.target.endpoint_url,
        base_url_parameter("acme"): SIMULATOR,
        base_url_parameter("globex"): "http://127.0.0.1:7001",
    }


def test_the_simulators_keys_are_put_where_the_functions_look_for_them(deployment: Deployment, tmp_path: Path) -> None:
    deployment.up()
    keys = {name: load_or_create(tmp_path, name) for name in VENDORS}
    assert deployment.secrets == {
        "acme-webhook-key": keys["acme"].webhook_key(VENDORS["acme"].callbacks().verification),
        "acme-api-token": keys["acme"].api_token,
        "globex-webhook-key": keys["globex"].webhook_key(VENDORS["globex"].callbacks().verification),
    }


def test_functions_that_no_template_caps_are_capped_and_callers_by_the_calls_that_wait_for_their_slots(
    deployment: Deployment,
) -> None:
    deployment.up()
    parts = ("settler", "results", "caller", "callback")
    assert set(deployment.caps) == {f"{name}-{part}" for name in VENDORS for part in parts}
    assert all(0 < cap <= local.CALLERS_AT_MOST for cap in deployment.caps.values())
    assert deployment.caps["acme-caller"] > VENDORS["acme"].burst_rps(Scope.SUBMIT) * local.CALLER_SECONDS


def test_the_step_is_made_up_for_where_a_deployment_failed_before_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> frozenset[str]:
        raise DeploymentFailed("Headway-dev-globex-lane: no such attribute")

    with monkeypatch.context() as patched:
        patched.setattr(local, "deploy", failing)
        with pytest.raises(DeploymentFailed):
            deployment.up()
    assert deployment.secrets == {}
    deployment.up()
    assert set(deployment.secrets) == {"acme-webhook-key", "acme-api-token", "globex-webhook-key"}
