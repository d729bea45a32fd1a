"""Asking a cloud what a deployment would do: how AWS answers, and that nothing is left behind."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from headway.deployment.assembly import Artifact
from headway.deployment.changes import Effect
from headway.deployment.difference import difference
from headway.deployment.target_name import TargetName
from headway.errors import DeploymentFailed, NotReachable, UsageProblem

STATE, LANE, BASE = "Headway-dev-acme-state", "Headway-dev-acme-lane", "Headway-dev-base"
TEMPLATE = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
ADDED = {"Action": "Add", "LogicalResourceId": "New", "ResourceType": "AWS::SQS::Queue"}


def refused(operation: str, code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Pages:
    def __init__(self, pages: Callable[..., list[Any]]) -> None:
        self.paginate = pages


class FakeCloudFormation:
    """Stacks by name with their statuses; change sets answer `told`, page by page, after `turns` of being made."""

    def __init__(self, **stacks: dict[str, Any]) -> None:
        self.stacks = {
            name.replace("_", "-"): {"StackStatus": "UPDATE_COMPLETE", **one} for name, one in stacks.items()
        }
        self.template: Mapping[str, Any] = TEMPLATE
        self.told: list[list[dict[str, Any]]] = [[]]
        self.outcome = {"Status": "CREATE_COMPLETE"}
        self.refusals: dict[str, list[Exception]] = {}
        self.sets: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.on_look: Callable[[], None] = lambda: None
        self.turns = 0

    def _refuse(self, operation: str) -> None:
        if waiting := self.refusals.get(operation):
            raise waiting.pop(0)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        self._refuse("describe_stacks")
        if StackName not in self.stacks:
            raise refused("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [{"StackName": StackName, **self.stacks[StackName]}]}

    def get_template(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"TemplateBody": self.template}

    def create_change_set(self, **request: Any) -> None:
        self._refuse("create_change_set")
        self.requests.append(request)
        self.sets[request["ChangeSetName"]] = {"turns": self.turns}
        self._refuse("answer_of_create_change_set")

    def describe_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:  # noqa: N803
        self.on_look()
        made = self.sets[ChangeSetName]
        made["turns"] -= 1
        return {"Status": "CREATE_IN_PROGRESS"} if made["turns"] >= 0 else self.outcome

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self._refuse("delete_change_set")
        self.sets.pop(ChangeSetName, None)

    def get_paginator(self, operation: str) -> Pages:
        pages: dict[str, Callable[..., list[Any]]] = {
            "describe_stacks": lambda: [{"Stacks": [{"StackName": name}]} for name in self.stacks],
            "describe_change_set": lambda **_: [{"Changes": [{"ResourceChange": one} for one in p]} for p in self.told],
            "list_stack_resources": lambda **_: [
                {"StackResourceSummaries": [{"LogicalResourceId": name, "ResourceType": "AWS::SQS::Queue"}]}
                for name in self.template["Resources"]
            ],
        }
        return Pages(pages[operation])


class FakeS3:
    """A bucket with versions."""

    class meta:  # noqa: N801 - boto3's
        endpoint_url = "https://s3.eu-west-1.amazonaws.com"

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []
        self.deleted: list[dict[str, Any]] = []
        self.is_there = True

    def put_object(self, **request: Any) -> dict[str, str]:
        if not self.is_there:
            raise refused("PutObject", "NoSuchBucket")
        self.put.append(request)
        return {"VersionId": "v1"}

    def delete_object(self, **request: Any) -> None:
        self.deleted.append(request)


class FakeSts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333"}


class FakeTarget:
    region = "eu-west-1"

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.s3 = FakeS3()
        self.clients = {"cloudformation": cloudformation, "s3": self.s3, "sts": FakeSts()}

    def client(self, name: str) -> Any:
        return self.clients[name]

    def table(self, name: str) -> Any:
        raise NotImplementedError


class Assembly:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stack(self, name: str, template: Mapping[str, Any] = TEMPLATE, needs: tuple[str, ...] = ()) -> Artifact:
        path = self.folder / f"{name}.template.json"
        path.write_text(json.dumps(template))
        assets = self.folder / f"{name}.assets.json"
        place = {"bucketName": BUCKET, "objectKey": "key"}
        files = {"t": {"source": {"path": path.name, "packaging": "file"}, "destinations": {"here": place}}}
        assets.write_text(json.dumps({"files": files}))
        return Artifact(name, name, path, assets, needs)


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    return Assembly(tmp_path)


@pytest.fixture
def there() -> FakeCloudFormation:
    return FakeCloudFormation(Headway_dev_acme_state={})


def ask(
    there: FakeCloudFormation, *artifacts: Artifact, name: TargetName = TargetName.AWS, only: str | None = None
) -> Any:
    return difference(FakeTarget(there), name, "dev", artifacts, only=only)


def test_all_pages_of_a_change_set_are_read_and_it_is_deleted(there: FakeCloudFormation, assembly: Assembly) -> None:
    there.turns = 1
    there.told = [[ADDED], [ADDED | {"LogicalResourceId": "Other"}]]
    [found] = ask(there, assembly.stack(STATE))
    assert [one.logical_id for one in found.resources] == ["New", "Other"]
    assert there.sets == {}


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_that_failed_for_lack_of_changes_says_that_there_are_none(
    there: FakeCloudFormation, assembly: Assembly, reason: str
) -> None:
    there.outcome = {"Status": "FAILED", "StatusReason": reason}
    [found] = ask(there, assembly.stack(STATE))
    assert (found.effect, there.sets) == (Effect.UNCHANGED, {})


def test_a_change_set_that_failed_for_another_reason_is_a_problem_of_one_line(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    there.outcome = {"Status": "FAILED", "StatusReason": "no value\n for Parameter"}
    with pytest.raises(DeploymentFailed) as failed:
        ask(there, assembly.stack(STATE))
    assert str(failed.value) == f"{STATE}: no value for Parameter"
    assert there.sets == {}


def test_what_cloudformation_refuses_outright_is_a_problem_that_names_the_stack(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    said = "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."
    there.refusals["create_change_set"] = [refused("CreateChangeSet", "ValidationError", said)]
    with pytest.raises(DeploymentFailed, match=f"^{STATE}: .*UPDATE_IN_PROGRESS"):
        ask(there, assembly.stack(STATE))


def test_credentials_that_may_only_read_are_told_what_is_needed_on_one_line(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    there.refusals["create_change_set"] = [refused("CreateChangeSet", "AccessDenied", "not authorized")]
    with pytest.raises(NotReachable) as failed:
        ask(there, assembly.stack(STATE))
    assert "cloudformation:DescribeStacks" in str(failed.value)
    assert "CreateChangeSet" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_credentials_that_may_not_even_read_are_told_so_too(there: FakeCloudFormation, assembly: Assembly) -> None:
    there.refusals["describe_stacks"] = [refused("DescribeStacks", "AccessDenied", "not authorized")]
    with pytest.raises(NotReachable, match="a difference needs"):
        ask(there, assembly.stack(STATE))


def test_a_change_set_whose_answer_was_lost_is_deleted(there: FakeCloudFormation, assembly: Assembly) -> None:
    there.refusals["answer_of_create_change_set"] = [ConnectionClosedError(endpoint_url="https://aws")]
    with pytest.raises(NotReachable):
        ask(there, assembly.stack(STATE))
    assert len(there.requests) == 1
    assert there.sets == {}


def test_ctrl_c_deletes_what_is_being_made_and_asks_no_further(
    there: FakeCloudFormation, assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.turns = 1_000_000  # it never comes to an end by itself
    there.refusals["delete_change_set"] = [refused("DeleteChangeSet", "InvalidChangeSetStatus", "in progress")]
    looked = threading.Event()
    there.on_look = looked.set

    class Interrupted:
        def __init__(self, future: Any) -> None:
            self.future = future

        def result(self) -> Any:
            assert looked.wait(10)
            raise KeyboardInterrupt

    class Pool(ThreadPoolExecutor):
        def submit(self, *words: Any, **more: Any) -> Any:
            return Interrupted(super().submit(*words, **more))

    monkeypatch.setattr("headway.deployment.difference.ThreadPoolExecutor", Pool)
    with pytest.raises(KeyboardInterrupt):
        ask(there, assembly.stack(STATE))
    assert len(there.requests) == 1
    assert there.sets == {}


def test_parameters_keep_their_values_and_new_ones_get_their_defaults(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    there.stacks[STATE]["Parameters"] = [{"ParameterKey": name, "ParameterValue": "x"} for name in ("Kept", "Gone")]
    ask(there, assembly.stack(STATE, {**TEMPLATE, "Parameters": {"Kept": {}, "New": {"Default": "y"}}}))
    assert there.requests[0]["Parameters"] == [{"ParameterKey": "Kept", "UsePreviousValue": True}]


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_stack_that_is_not_there_is_created_and_no_change_set_makes_an_empty_one(
    assembly: Assembly, status: str | None
) -> None:
    cloud = FakeCloudFormation(**({"Headway_dev_acme_state": {"StackStatus": status}} if status else {}))
    [found] = ask(cloud, assembly.stack(STATE))
    assert (found.effect, found.count(Effect.CREATE), cloud.requests) == (Effect.CREATE, 1, [])
    assert found.note == ("deleted first: it is ROLLBACK_COMPLETE" if status == "ROLLBACK_COMPLETE" else "")


def test_a_large_template_goes_by_the_bucket_of_bootstrap_and_its_version_is_deleted(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    target = FakeTarget(there)
    difference(target, TargetName.AWS, "dev", [assembly.stack(STATE, {**TEMPLATE, "Metadata": "x" * 51_200})])
    [put], [deleted] = target.s3.put, target.s3.deleted
    assert put["Bucket"] == "cdk-hnb659fds-assets-111122223333-eu-west-1"
    assert there.requests[0]["TemplateURL"] == f"{FakeS3.meta.endpoint_url}/{put['Bucket']}/{put['Key']}"
    assert "TemplateBody" not in there.requests[0]
    assert (deleted["Key"], deleted["VersionId"]) == (put["Key"], "v1")


def test_a_large_template_without_the_bucket_of_bootstrap_is_a_problem_that_says_how_to_make_it(
    there: FakeCloudFormation, assembly: Assembly
) -> None:
    target = FakeTarget(there)
    target.s3.is_there = False
    with pytest.raises(DeploymentFailed, match="run `npx aws-cdk bootstrap` first"):
        difference(target, TargetName.AWS, "dev", [assembly.stack(STATE, {**TEMPLATE, "Metadata": "x" * 51_200})])


def test_on_aws_a_stack_in_no_template_is_left_and_counts_as_no_change(assembly: Assembly) -> None:
    cloud = FakeCloudFormation(Headway_dev_acme_state={}, Headway_dev_old_state={}, Headway_test_old_state={})
    found = ask(cloud, assembly.stack(STATE))
    assert [(one.name, one.effect) for one in found] == [
        (STATE, Effect.UNCHANGED),
        ("Headway-dev-old-state", Effect.LEFT),
    ]
    assert not any(one.is_change for one in found)


def test_on_the_embedded_cloud_a_stack_in_no_template_is_removed_and_protection_is_said(assembly: Assembly) -> None:
    cloud = FakeCloudFormation(Headway_dev_old_state={"EnableTerminationProtection": True})
    [found] = ask(cloud, name=TargetName.LOCAL)
    assert (found.effect, found.count(Effect.REMOVE)) == (Effect.REMOVE, 1)
    assert "termination protection is on" in found.note


def test_one_vendor_alone_is_looked_at_with_what_it_needs(assembly: Assembly) -> None:
    cloud = FakeCloudFormation(Headway_dev_old_state={})
    stacks = [assembly.stack(name) for name in (BASE, STATE, LANE, "Headway-dev-other-state", "Headway-dev-workflows")]
    assert [one.name for one in ask(cloud, *stacks, only="acme")] == [BASE, STATE, LANE]


def test_a_vendor_that_is_not_there_is_a_problem(assembly: Assembly) -> None:
    with pytest.raises(UsageProblem, match="no vendor nobody"):
        ask(FakeCloudFormation(), assembly.stack(STATE), assembly.stack(LANE), only="nobody")


def test_a_stack_names_those_that_it_reads_from_and_that_change_before_it(assembly: Assembly) -> None:
    cloud = FakeCloudFormation(Headway_dev_acme_lane={}, Headway_dev_base={})
    found = ask(cloud, assembly.stack(BASE), assembly.stack(STATE), assembly.stack(LANE, needs=(BASE, STATE)))
    assert {one.name: (one.effect, one.after) for one in found} == {
        BASE: (Effect.UNCHANGED, ()),
        STATE: (Effect.CREATE, ()),
        LANE: (Effect.UNCHANGED, (STATE,)),
    }
