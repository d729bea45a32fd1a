"""What a deployment would do to a cloud, asked of it stack by stack; nothing is deployed, and nothing is left behind.

In: the stacks of an assembly. Out: a StackChange each, and one for every stack of the stage that is in no template any
more. A stack that is there is asked by a change set, which is deleted whatever happens. One that is not there is not
asked: a change set would make an empty stack (REVIEW_IN_PROGRESS), and all that is in its template is new.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_result,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_exponential,
)

from headway.deployment.assembly import Artifact, of_vendor
from headway.deployment.assets import read_assets
from headway.deployment.changes import Effect, RecreationOf, StackChange, Template, created, removed, updated
from headway.deployment.cloudformation import (
    NEVER_CREATED,
    SIDE_BY_SIDE,
    STACK_TIMEOUT_S,
    TEMPLATE_BODY_MAX_BYTES,
    describe,
    one_line,
    stack_names,
)
from headway.deployment.replacement import by_schema
from headway.deployment.target import Target
from headway.deployment.target_name import TargetName
from headway.errors import DeploymentFailed, NotReachable

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import ResourceChangeTypeDef, StackTypeDef

NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
"""Reasons of a change set that failed because there is nothing to change; AWS has both."""
NEEDED: Final = (
    "cloudformation:DescribeStacks, GetTemplate, ListStackResources, CreateChangeSet, DescribeChangeSet and"
    " DeleteChangeSet; for templates above 51,200 bytes s3:PutObject and DeleteObject on the bucket of `cdk bootstrap`"
)
"""Actions of AWS that a difference takes."""

_NOT_THERE: Final = frozenset({"REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_PENDING: Final = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
_DELETE_PATIENCE_S: Final = 60.0
"""AWS refuses to delete a change set that it is still making."""


class Stopped(Exception):  # noqa: N818 - not an error: the person at the terminal has enough
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class _Cloud:
    """A cloud as it is asked; `recreation_of` judges in the place of an emulator that does not know."""

    target: Target
    removes: bool
    recreation_of: RecreationOf | None
    stopping: threading.Event

    @property
    def cloudformation(self) -> "CloudFormationClient":
        client: CloudFormationClient = self.target.client("cloudformation")
        return client


def difference(
    target: Target, name: TargetName, stage: str, artifacts: Sequence[Artifact], *, only: str | None = None
) -> list[StackChange]:
    """Return what a deployment of `artifacts` would do, in their order, then what becomes of stacks that are in none.

    `only` names a vendor whose stacks alone are looked at. Raises DeploymentFailed for a stack that CloudFormation
    refuses, NotReachable where AWS cannot be asked or does not allow it, and UsageProblem for a vendor that is not
    there.
    """
    is_local = name is TargetName.LOCAL
    stopping = threading.Event()
    cloud = _Cloud(target, is_local, partial(by_schema, target.region) if is_local else None, stopping)
    wanted = of_vendor(artifacts, stage, only) if only else artifacts
    with _asking(), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        there = [] if only else stack_names(cloud.cloudformation, f"Headway-{stage}-")
        drawn = {artifact.stack_name for artifact in artifacts}
        work: list[Callable[[], StackChange | None]] = [
            *(partial(_asked, cloud, artifact) for artifact in wanted),
            *(partial(_gone, cloud, stack) for stack in there if stack not in drawn),
        ]
        jobs = [pool.submit(one) for one in work]
        try:
            found = [change for job in jobs if (change := job.result())]
        except BaseException:  # Ctrl-C too: those that are at work end early, and delete what they have made
            stopping.set()
            pool.shutdown(cancel_futures=True)
            raise
    return _followed(found, wanted)


def _asked(cloud: _Cloud, artifact: Artifact) -> StackChange:
    """Return what becomes of a stack that a template is there for."""
    name, body = artifact.stack_name, artifact.template_path.read_text()
    template: Template = json.loads(body)
    stack = describe(cloud.cloudformation, name)
    status = stack["StackStatus"] if stack else None
    if stack is None or status in _NOT_THERE:
        return created(name, template, artifact.paths)
    if status in NEVER_CREATED:
        return created(name, template, artifact.paths, note=f"deleted first: it is {status}")
    there = _template_there(cloud, name)
    with _source(cloud, artifact, body) as source:
        told = _change_set(cloud, stack, {**source, "Parameters": _parameters(stack, template)})
    return updated(name, told, there, template, artifact.paths, cloud.recreation_of)


def _gone(cloud: _Cloud, name: str) -> StackChange | None:
    """Return what becomes of a stack that no template has any more."""
    stack = describe(cloud.cloudformation, name)
    if stack is None or stack["StackStatus"] in _NOT_THERE:
        return None
    if not cloud.removes:
        return StackChange(name, Effect.LEFT, note="in no template: `cdk deploy` removes nothing, delete it yourself")
    pages = cloud.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    listed = [one for page in pages for one in page["StackResourceSummaries"]]
    is_protected = stack.get("EnableTerminationProtection")
    note = "termination protection is on: a deployment is refused until it is off" if is_protected else ""
    return removed(name, _template_there(cloud, name), listed, note)


def _followed(found: Sequence[StackChange], artifacts: Sequence[Artifact]) -> list[StackChange]:
    """Name, for every stack that is there, the stacks that it needs and that change before it."""
    changing = {change.name for change in found if change.is_change}
    names = {artifact.artifact_id: artifact.stack_name for artifact in artifacts}
    needs = {
        artifact.stack_name: tuple(names[one] for one in artifact.needs if names.get(one) in changing)
        for artifact in artifacts
    }
    return [
        replace(change, after=needs.get(change.name, ()))
        if change.effect in {Effect.UPDATE, Effect.UNCHANGED}
        else change
        for change in found
    ]


def _template_there(cloud: _Cloud, name: str) -> Template:
    body: Any = cloud.cloudformation.get_template(StackName=name)["TemplateBody"]
    template: Template = json.loads(body) if isinstance(body, str) else body
    return template


def _parameters(stack: "StackTypeDef", template: Template) -> list[dict[str, Any]]:
    """Keep the values of parameters, as `cdk deploy` does; new ones get their defaults."""
    had = {parameter["ParameterKey"] for parameter in stack.get("Parameters", [])}
    return [{"ParameterKey": key, "UsePreviousValue": True} for key in template.get("Parameters", {}) if key in had]


@contextmanager
def _source(cloud: _Cloud, artifact: Artifact, body: str) -> Iterator[Mapping[str, str]]:
    """Yield the parameter that carries a template: a large one lies in the bucket of assets meanwhile."""
    if len(body.encode()) <= TEMPLATE_BODY_MAX_BYTES:
        yield {"TemplateBody": body}
        return
    s3 = cloud.target.client("s3")
    account = cloud.target.client("sts").get_caller_identity()["Account"]
    assets = read_assets(artifact.assets_path, account, cloud.target.region)
    bucket = next((asset.bucket for asset in assets if asset.source == artifact.template_path), None)
    if bucket is None:
        raise DeploymentFailed(f"{artifact.stack_name}: a template of {len(body)} bytes has to be among the assets")
    # Not under the asset's own key: a deployment beside this one must not see it go.
    key = f"headway-diff/{uuid4().hex}.template.json"
    try:
        put = s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise DeploymentFailed(
                f"{artifact.stack_name}: no bucket {bucket} for a template of {len(body)} bytes:"
                " run `npx aws-cdk bootstrap` first"
            ) from error
        raise
    try:
        yield {"TemplateURL": f"{s3.meta.endpoint_url}/{bucket}/{key}"}
    finally:
        # The bucket keeps versions: without its ID the object would only be hidden.
        version = {"VersionId": put["VersionId"]} if "VersionId" in put else {}
        s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account, **version)


def _change_set(cloud: _Cloud, stack: "StackTypeDef", request: Mapping[str, Any]) -> "Sequence[ResourceChangeTypeDef]":
    """Make a change set, read all of it, and delete it."""
    if cloud.stopping.is_set():
        raise Stopped
    made = _ChangeSet(cloud, stack["StackName"], f"headway-diff-{uuid4().hex}")
    try:
        made.ask(request)
        told = made.read()
    except BaseException:
        # An answer may have been lost on its way: one that was not seen to be made is deleted all the same.
        with suppress(ClientError, BotoCoreError):
            made.delete()
        raise
    made.delete()
    return told


@dataclass(frozen=True, slots=True)
class _ChangeSet:
    """A change set of a stack that is there, under a name that nobody else takes."""

    cloud: _Cloud
    stack: str
    name: str

    def ask(self, request: Mapping[str, Any]) -> None:
        """Have it made. Raises DeploymentFailed where the template or the state of the stack does not allow one."""
        try:
            self.cloud.cloudformation.create_change_set(
                StackName=self.stack,
                ChangeSetName=self.name,
                ChangeSetType="UPDATE",
                Capabilities=["CAPABILITY_NAMED_IAM"],
                **request,
            )
        except ClientError as error:
            if _code(error) != "ValidationError":
                raise
            raise DeploymentFailed(f"{self.stack}: {one_line(error.response['Error']['Message'])}") from error

    def read(self) -> "Sequence[ResourceChangeTypeDef]":
        """Wait until it is made, and return all its changes."""
        cloud = self.cloud

        def give_up(_state: object) -> Any:
            if cloud.stopping.is_set():
                raise Stopped
            raise DeploymentFailed(f"{self.stack}: no change set after {STACK_TIMEOUT_S:g} s")

        waiting = Retrying(
            retry=retry_if_result(lambda told: told["Status"] in _PENDING),
            wait=wait_exponential(multiplier=0.05, max=2),
            stop=stop_any(stop_when_event_set(cloud.stopping), stop_after_delay(STACK_TIMEOUT_S)),
            sleep=sleep_using_event(cloud.stopping),
            retry_error_callback=give_up,
        )
        told = waiting(cloud.cloudformation.describe_change_set, StackName=self.stack, ChangeSetName=self.name)
        if told["Status"] != "CREATE_COMPLETE":
            reason = told.get("StatusReason", "")
            if any(phrase in reason for phrase in NO_CHANGES):
                return []
            raise DeploymentFailed(f"{self.stack}: {one_line(reason) or told['Status']}")
        pages = cloud.cloudformation.get_paginator("describe_change_set").paginate(
            StackName=self.stack, ChangeSetName=self.name
        )
        return [change["ResourceChange"] for page in pages for change in page["Changes"] if "ResourceChange" in change]

    def delete(self) -> None:
        """Delete it, also while AWS is still making it."""
        Retrying(
            retry=retry_if_exception(lambda error: _code(error) == "InvalidChangeSetStatus"),
            wait=wait_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(_DELETE_PATIENCE_S),
            reraise=True,
        )(self.cloud.cloudformation.delete_change_set, StackName=self.stack, ChangeSetName=self.name)


@contextmanager
def _asking() -> Iterator[None]:
    """Turn what AWS does not answer, or not to these credentials, into a problem of the person at the terminal."""
    try:
        yield
    except ClientError as error:
        said = one_line(str(error))
        if _code(error) in _DENIED:
            raise NotReachable(f"AWS does not allow it: {said}; a difference needs {NEEDED}") from error
        raise NotReachable(f"the cloud cannot be asked: {said}") from error
    except BotoCoreError as error:
        raise NotReachable(f"the cloud cannot be asked: {one_line(str(error))}") from error


def _code(error: BaseException) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
