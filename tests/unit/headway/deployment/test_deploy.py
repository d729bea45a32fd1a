"""Deploying the stacks of an assembly: in the order of their needs, side by side, and only what has changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from headway.deployment.assembly import Artifact
from headway.deployment.cloudformation import deploy, remove, stack_names
from headway.deployment.target import LocalTarget
from headway.errors import DeploymentFailed
from tests.unit.headway.deployment.clouds import (
    LOOKED_UP,
    FakeCloudFormation,
    FakeStack,
    FakeTarget,
    artifact,
    made,
    meeting,
)

URL_PARAMETER = {"Parameters": {"Url": {"Type": "String"}}}


@pytest.fixture
def cloud() -> FakeCloudFormation:
    return FakeCloudFormation()


@pytest.fixture
def lanes(tmp_path: Path) -> list[Artifact]:
    """Return the stacks of two vendors and what they share, whoever needs others first."""
    return [
        artifact(tmp_path, "acme-lane", "acme-state", "base", template=URL_PARAMETER),
        artifact(tmp_path, "globex-lane", "globex-state", "base", template=URL_PARAMETER),
        artifact(tmp_path, "acme-state", "base"),
        artifact(tmp_path, "globex-state", "base"),
        artifact(tmp_path, "base"),
    ]


def deployed(cloud: FakeCloudFormation, artifacts: Sequence[Artifact], **parameters: str) -> list[str]:
    """Deploy, and return the names of the changed stacks without what all names begin with."""
    changed = deploy(cast("LocalTarget", FakeTarget(cloud)), artifacts, parameters)
    return sorted(name.removeprefix("stack-") for name in changed)


def test_a_stack_is_made_once_and_after_all_that_it_needs(cloud: FakeCloudFormation, lanes: list[Artifact]) -> None:
    everything = ["acme-lane", "acme-state", "base", "globex-lane", "globex-state"]
    assert deployed(cloud, lanes) == everything
    assert sorted(made(cloud.told)) == [f"stack-{name}" for name in everything]
    for stack in lanes:
        for need in stack.needs:
            assert cloud.told.index(f"stack-{need} is CREATE_COMPLETE") < cloud.told.index(f"create {stack.stack_name}")


def test_stacks_that_do_not_need_each_other_are_made_side_by_side(
    cloud: FakeCloudFormation, lanes: list[Artifact]
) -> None:
    cloud.meanwhile = meeting("stack-acme-state", "stack-globex-state")
    assert len(deployed(cloud, lanes)) == len(lanes)


def test_a_need_that_is_not_deployed_along_is_taken_for_there(cloud: FakeCloudFormation, lanes: list[Artifact]) -> None:
    assert deployed(cloud, [lanes[0]]) == ["acme-lane"]


def test_what_is_as_it_should_be_is_left_alone(cloud: FakeCloudFormation, lanes: list[Artifact]) -> None:
    deployed(cloud, lanes, Url="http://127.0.0.1:4566")
    cloud.told.clear()
    assert deployed(cloud, lanes, Url="http://127.0.0.1:4566") == []
    assert cloud.told == []


def test_a_changed_template_is_deployed_and_no_other(
    cloud: FakeCloudFormation, lanes: list[Artifact], tmp_path: Path
) -> None:
    deployed(cloud, lanes)
    artifact(tmp_path, "acme-state", template={"Description": "with another queue"})
    assert deployed(cloud, lanes) == ["acme-state"]


def test_a_stack_that_has_looked_up_what_is_another_now_is_deployed_though_its_template_is_the_same(
    cloud: FakeCloudFormation, lanes: list[Artifact]
) -> None:
    cloud.values = {"/queue/acme": "first", "/queue/globex": "first"}
    for stack, vendor in zip(lanes[:2], ("acme", "globex"), strict=True):
        queue = {"Type": LOOKED_UP, "Default": f"/queue/{vendor}"}
        artifact(stack.template_path.parent, stack.artifact_id, template={"Parameters": {"Queue": queue}})
    deployed(cloud, lanes)
    cloud.values["/queue/acme"] = "second"
    assert deployed(cloud, lanes) == ["acme-lane"]


def test_a_parameter_is_a_change_for_those_that_declare_it_and_is_given_to_no_other(
    cloud: FakeCloudFormation, lanes: list[Artifact]
) -> None:
    deployed(cloud, lanes, Url="http://127.0.0.1:1")
    assert deployed(cloud, lanes, Url="http://127.0.0.1:2") == ["acme-lane", "globex-lane"]
    assert cloud.stacks["stack-acme-lane"].parameters == {"Url": "http://127.0.0.1:2"}
    assert cloud.stacks["stack-acme-state"].parameters == {}


def test_a_stack_that_never_came_up_is_deleted_and_made_anew(cloud: FakeCloudFormation, lanes: list[Artifact]) -> None:
    cloud.stacks["stack-base"] = FakeStack({}, {}, "ROLLBACK_COMPLETE")
    deployed(cloud, lanes[-1:])
    assert cloud.told == ["delete stack-base", "create stack-base", "stack-base is CREATE_COMPLETE"]


def test_a_failure_is_named_once_what_is_beside_it_has_ended_and_what_needs_it_has_not_begun(
    cloud: FakeCloudFormation, lanes: list[Artifact]
) -> None:
    cloud.failing.add("stack-acme-state")
    cloud.meanwhile = meeting("stack-acme-state", "stack-globex-state")
    with pytest.raises(DeploymentFailed, match=r"^stack-acme-state: Queue \(AWS::SQS::Queue\): no such attribute$"):
        deployed(cloud, lanes)
    assert "stack-globex-state is CREATE_COMPLETE" in cloud.told
    assert "stack-acme-lane" not in made(cloud.told)


def test_a_template_that_is_too_long_for_a_request_has_to_be_among_the_assets(
    cloud: FakeCloudFormation, tmp_path: Path
) -> None:
    with pytest.raises(DeploymentFailed, match=r"wide: a template of 60.* bytes has to be among the assets"):
        deployed(cloud, [artifact(tmp_path, "wide", template={"Description": "x" * 60_000})])


def test_stacks_are_deleted_in_the_order_that_is_given(cloud: FakeCloudFormation, lanes: list[Artifact]) -> None:
    deployed(cloud, lanes)
    cloud.told.clear()
    said: list[tuple[str, str]] = []
    names = ["stack-acme-lane", "stack-acme-state"]
    remove(cast("Any", cloud), names, lambda *phrase: said.append(phrase))
    assert cloud.told == [f"delete {name}" for name in names]
    assert said == [(name, phrase) for name in names for phrase in ("deleting", "deleted")]
    assert sorted(cloud.stacks) == ["stack-base", "stack-globex-lane", "stack-globex-state"]


def test_a_stack_that_does_not_go_is_named_and_ends_the_removal(
    cloud: FakeCloudFormation, lanes: list[Artifact]
) -> None:
    deployed(cloud, lanes)
    cloud.immortal.add("stack-acme-lane")
    with pytest.raises(DeploymentFailed, match=r"^stack-acme-lane: Queue"):
        remove(cast("Any", cloud), ["stack-acme-lane", "stack-acme-state"])
    assert "stack-acme-state" in cloud.stacks


def test_all_stacks_with_a_prefix_are_named_over_all_pages(cloud: FakeCloudFormation) -> None:
    for name in ("Headway-dev-b", "Headway-dev2-a", "Other", "Headway-dev-a", "Headway-dev-c"):
        cloud.stacks[name] = FakeStack({}, {}, "CREATE_COMPLETE")
    assert stack_names(cast("Any", cloud), "Headway-dev-") == ["Headway-dev-a", "Headway-dev-b", "Headway-dev-c"]
