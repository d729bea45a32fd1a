"""A stage is found by its SSM parameters: its lanes by vendor, a project's machines, and what is wrong with them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.names import BASE, LANE_PARAMETER, RESERVED, WORKFLOWS, parameter
from headway_cdk.published import PublishedLane

from headway.deployment.connection import connect
from headway.deployment.stage import DeployedStage, DeployedWorkflow
from headway.errors import NotDeployed, NotRunning
from tests.unit.headway.connections import lane_of
from tests.unit.headway.deployment.clouds import FakePages

NEEDED = [each.name for each in fields(PublishedLane) if each.default is MISSING]
CALLED_BACK = lane_of(callback_url="https://api.example/callbacks/acme")


class FakeSsm:
    """Parameter Store: what was put there, by pages of ten, which is the most that it gives at once (API reference)."""

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}

    def get_paginator(self, name: str) -> FakePages:
        assert name == "get_parameters_by_path"
        return FakePages(self._pages)

    def _pages(self, Path: str, Recursive: bool) -> Iterator[dict[str, Any]]:  # noqa: N803
        below = [(name, value) for name, value in self.parameters.items() if name.startswith(Path)]
        found = [{"Name": name, "Value": value} for name, value in below if Recursive or "/" not in name[len(Path) :]]
        for start in range(0, len(found), 10):
            yield {"Parameters": found[start : start + 10]}


@dataclass(frozen=True)
class Place:
    """A cloud with a Parameter Store, and what is published there."""

    ssm: FakeSsm = field(default_factory=FakeSsm)
    region: str = "us-east-1"

    def client(self, name: str) -> FakeSsm:
        assert name == "ssm"
        return self.ssm

    def table(self, name: str) -> Any:
        raise AssertionError("nobody asks for a table here")

    def publish(self, owner: str, name: str, value: str | Mapping[str, Any], stage: str = "dev") -> None:
        self.ssm.parameters[parameter(stage, owner, name)] = value if isinstance(value, str) else json.dumps(value)

    def publish_lane(self, vendor: str, lane: PublishedLane, stage: str = "dev") -> None:
        """Publish a lane as its stacks do: as a whole, and beside it the names of its state."""
        self.publish(vendor, LANE_PARAMETER, lane.as_json(), stage)
        self.publish(vendor, "calls_table", lane.calls_table, stage)

    def found(self, stage: str = "dev") -> DeployedStage:
        return DeployedStage.found(self, stage)


@pytest.fixture
def place() -> Place:
    return Place()


def test_every_lane_of_a_stage_is_found_however_many_pages_their_parameters_fill(place: Place) -> None:
    place.publish(BASE, "at_once_strategy_id", "abc")
    lanes = {f"vendor-{number}": lane_of(calls_table=f"calls-{number}") for number in range(9)}
    for vendor, lane in reversed(lanes.items()):
        place.publish_lane(vendor, lane)
    stage = place.found()
    assert (stage.name, stage.lanes, stage.workflows) == ("dev", lanes, {})
    assert list(stage.lanes) == sorted(lanes)
    assert stage.machines("call_vendor") == dict.fromkeys(lanes, "call_vendor_machine_arn")
    assert stage.workflow_names == ["call_vendor"]


def test_a_lane_is_read_as_it_was_published_with_what_its_contract_asks_for(place: Place) -> None:
    optional = {each.name: f"the {each.name}" for each in fields(PublishedLane) if each.default is None}
    for lane in (lane_of(**optional), lane_of()):
        place.publish_lane("acme", lane)
        assert place.found().lanes["acme"] == lane
        assert set(lane.as_json()) == {name for name, value in asdict(lane).items() if value is not None}


def test_another_stage_is_none_of_ones_own(place: Place) -> None:
    place.publish_lane("acme", CALLED_BACK, "dev")
    place.publish_lane("globex", CALLED_BACK, "dev2")
    assert list(place.found("dev").lanes) == ["acme"]
    assert list(place.found("dev2").lanes) == ["globex"]


def test_where_nothing_of_a_stage_is_deployed_it_is_said_what_deploys_it(place: Place) -> None:
    place.publish_lane("acme", CALLED_BACK, "prod")
    place.publish("acme", "calls_table", "of a state without a lane")
    with pytest.raises(NotDeployed, match=r"nothing of stage dev is deployed in us-east-1: run `headway up`; on AWS, "):
        place.found()


@pytest.mark.parametrize("name", NEEDED)
def test_a_lane_without_a_resource_that_each_has_is_of_another_version(place: Place, name: str) -> None:
    place.publish("acme", LANE_PARAMETER, {key: value for key, value in lane_of().as_json().items() if key != name})
    with pytest.raises(NotDeployed, match=f"the lane of acme lacks a resource: .*'{name}'") as refused:
        place.found()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("owner", sorted(RESERVED - {WORKFLOWS}))
def test_what_is_called_lane_beside_the_vendors_is_none(place: Place, owner: str) -> None:
    place.publish_lane("acme", CALLED_BACK)
    place.publish(owner, LANE_PARAMETER, "the name of a table, for example")
    assert list(place.found().lanes) == ["acme"]


def test_what_a_newer_version_tells_of_a_lane_is_passed_over(place: Place) -> None:
    place.publish("acme", LANE_PARAMETER, {**lane_of().as_json(), "teleporter": "x"})
    assert place.found().lanes == {"acme": lane_of()}


def test_a_projects_machine_is_found_with_the_vendors_that_it_calls(place: Place) -> None:
    place.publish_lane("acme", CALLED_BACK)
    place.publish(WORKFLOWS, "order", {"arn": "arn:order", "vendors": ["acme", "globex"]})
    place.publish(WORKFLOWS, "audit", {"arn": "arn:audit", "vendors": []})
    stage = place.found()
    assert list(stage.lanes) == ["acme"], "the machines' own path is no vendor"
    assert stage.workflows["order"] == DeployedWorkflow("arn:order", ("acme", "globex"))
    assert stage.machines("order") == {"acme": "arn:order", "globex": "arn:order"}
    assert stage.machines("nowhere") == {}
    assert stage.workflow_names == ["audit", "call_vendor", "order"]


def test_a_stage_may_have_machines_and_no_lane(place: Place) -> None:
    place.publish(WORKFLOWS, "order", {"arn": "arn:order", "vendors": []})
    assert place.found().workflow_names == ["order"]


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        ("globex", r"stage dev has no callback of globex: it has acme, globex"),
        ("initech", r"stage dev has no vendor initech: it has acme, globex"),
    ],
)
def test_where_a_vendor_calls_back_is_told_or_why_it_does_not(vendor: str, reason: str) -> None:
    stage = DeployedStage("dev", {"acme": CALLED_BACK, "globex": replace(CALLED_BACK, callback_url=None)}, {})
    assert stage.callback_url("acme") == CALLED_BACK.callback_url
    with pytest.raises(NotDeployed, match=reason):
        stage.callback_url(vendor)


def test_without_a_cloud_nothing_is_connected(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"no embedded cloud runs in .*: run `headway up` first"):
        connect(state_dir=tmp_path)
