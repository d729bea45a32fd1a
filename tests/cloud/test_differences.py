"""What a deployment would do, asked of CloudFormation by change sets, and that nobody sees it asked."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headway.deployment.assembly import Artifact, stacks
from headway.deployment.changes import Effect, StackChange
from headway.deployment.cloudformation import deploy, remove, stack_names
from headway.deployment.difference import difference
from headway.deployment.target import LocalTarget
from headway.deployment.target_name import TargetName
from tests.cloud.conftest import Clouds

BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
LIMIT = {"Type": "Number", "Default": 30}


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


class Stage:
    """A stage of its own on a shared cloud: stacks by the last part of their names."""

    def __init__(self, target: LocalTarget, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.name = f"s{uuid4().hex[:11]}"

    def artifacts(self, **templates: dict[str, Any]) -> list[Artifact]:
        """Write an assembly; a stack needs the one before it."""
        manifest: dict[str, Any] = {}
        for part, template in templates.items():
            name, file = f"Headway-{self.name}-{part}", f"{part}.template.json"
            (self.folder / file).write_text(json.dumps(template))
            destinations = {"here": {"bucketName": BUCKET, "objectKey": f"{uuid4().hex}.json"}}
            asset = {"source": {"path": file, "packaging": "file"}, "destinations": destinations}
            (self.folder / f"{name}.assets.json").write_text(json.dumps({"files": {part: asset}}))
            manifest[name] = {
                "type": "aws:cloudformation:stack",
                "properties": {"templateFile": file},
                "dependencies": list(manifest)[-1:],
            }
        (self.folder / "manifest.json").write_text(json.dumps({"artifacts": manifest}))
        return stacks(self.folder)

    def deploy(self, **templates: dict[str, Any]) -> None:
        deploy(self.target, self.artifacts(**templates), {})

    def difference(self, **templates: dict[str, Any]) -> dict[str, StackChange]:
        found = difference(self.target, TargetName.LOCAL, self.name, self.artifacts(**templates))
        return {change.name.rpartition("-")[2]: change for change in found}

    @property
    def seen(self) -> tuple[Any, ...]:
        """All that a difference could have left behind."""
        cloudformation, s3 = self.target.client("cloudformation"), self.target.client("s3")
        names = stack_names(cloudformation, f"Headway-{self.name}-")
        sets = [cloudformation.list_change_sets(StackName=name)["Summaries"] for name in names]
        statuses = [cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] for name in names]
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        objects = [one["Key"] for name in buckets for one in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        queues = self.target.client("sqs").list_queues().get("QueueUrls", [])
        return names, sets, statuses, sorted(objects), sorted(queues)


@pytest.fixture
def stage(clouds: Clouds, tmp_path: Path) -> Stage:
    assert isinstance(clouds.strict, LocalTarget)
    return Stage(clouds.strict, tmp_path)


def effects(change: StackChange) -> dict[str, Effect]:
    return {resource.logical_id: resource.effect for resource in change.resources}


def test_stacks_that_are_not_there_are_created_and_asking_makes_none(stage: Stage) -> None:
    before = stage.seen
    found = stage.difference(one={"Resources": {"Queue": queue()}}, other={"Resources": {"Topic": queue()}})
    assert {part: change.effect for part, change in found.items()} == {"one": Effect.CREATE, "other": Effect.CREATE}
    assert effects(found["one"]) == {"Queue": Effect.CREATE}
    assert stage.seen == before


def test_what_is_deployed_would_not_change(stage: Stage) -> None:
    template = {"Parameters": {"Seconds": LIMIT}, "Resources": {"Queue": queue(DelaySeconds={"Ref": "Seconds"})}}
    deploy(stage.target, stage.artifacts(one=template), {"Seconds": "7"})
    found = stage.difference(one=template)
    assert found["one"] == StackChange(f"Headway-{stage.name}-one", Effect.UNCHANGED)


def test_a_change_a_replacement_a_new_and_a_removed_resource_are_told_apart_and_nothing_is_left(stage: Stage) -> None:
    name = f"name-{uuid4().hex[:8]}"
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    stage.deploy(
        one={
            "Resources": {
                "Delayed": queue(DelaySeconds=1),
                "Named": queue(QueueName=name) | kept,
                "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}"}},
                "Gone": queue(),
                "Left": queue() | kept,
                "Same": queue(),
            }
        }
    )
    before = stage.seen
    wanted = {
        "Delayed": queue(DelaySeconds=2),
        "Named": queue(QueueName=f"{name}-2") | kept,
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}-2"}},
        "New": queue(),
        "Same": queue(),
    }
    found = stage.difference(one={"Resources": wanted})["one"]
    assert effects(found) == {
        "Delayed": Effect.UPDATE,
        "Named": Effect.REPLACE,
        "Logs": Effect.REPLACE,  # which the emulator's own change sets call conditional
        "New": Effect.CREATE,
        "Gone": Effect.REMOVE,
        "Left": Effect.REMOVE,
    }
    assert {one.logical_id for one in found.resources if one.is_retained} == {"Named", "Left"}
    assert stage.seen == before
    stage.deploy(one={"Resources": wanted})
    assert stage.difference(one={"Resources": wanted})["one"].effect is Effect.UNCHANGED


def test_a_stack_that_no_template_has_any_more_is_removed_and_one_that_reads_from_a_changed_one_is_named(
    stage: Stage,
) -> None:
    one, other = {"Resources": {"Queue": queue()}}, {"Resources": {"Held": queue()}}
    gone = {"Resources": {"Old": queue(), "Kept": queue() | {"DeletionPolicy": "Retain"}}}
    stage.deploy(one=one, other=other, gone=gone)
    found = stage.difference(one={"Resources": {"Queue": queue(DelaySeconds=3)}}, other=other)
    assert (found["gone"].effect, effects(found["gone"])) == (
        Effect.REMOVE,
        {"Old": Effect.REMOVE, "Kept": Effect.REMOVE},
    )
    assert [resource.logical_id for resource in found["gone"].resources if resource.is_retained] == ["Kept"]
    assert (found["other"].effect, found["other"].after) == (Effect.UNCHANGED, (f"Headway-{stage.name}-one",))


def test_a_large_template_lies_in_the_bucket_only_as_long_as_it_is_asked_about(stage: Stage) -> None:
    padding = {"Padding": "x" * 60_000}
    stage.deploy(one={"Metadata": padding, "Resources": {"Queue": queue()}})
    before = stage.seen
    found = stage.difference(one={"Metadata": padding, "Resources": {"Queue": queue(DelaySeconds=5)}})
    assert effects(found["one"]) == {"Queue": Effect.UPDATE}
    assert stage.seen == before


def test_a_stack_that_was_removed_is_created(stage: Stage) -> None:
    template = {"Resources": {"Queue": queue()}}
    stage.deploy(one=template)
    remove(stage.target.client("cloudformation"), [f"Headway-{stage.name}-one"])
    assert stage.difference(one=template)["one"].effect is Effect.CREATE
