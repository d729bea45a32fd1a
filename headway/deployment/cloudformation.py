"""From a synthesized CDK assembly to running stacks in the embedded cloud, through CloudFormation as on AWS.

In: `cdk.out`. Out: what was deployed, what was as it should be, what was removed. For AWS itself there is `cdk deploy`:
this module also plays `cdk bootstrap`, which no account but an emulator's should get unasked.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

from headway.deployment.assembly import Artifact
from headway.deployment.assets import FileAsset, read_assets, upload
from headway.deployment.target import LocalTarget
from headway.errors import DeploymentFailed

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

Progress = Callable[[str, str], None]
"""Called with a stack's name and a phrase on what happens to it."""

BOOTSTRAP_VERSION_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
STACK_TIMEOUT_S = 300.0
SIDE_BY_SIDE = 4
"""Stacks at one time: more would only wait for the two cores of a laptop."""
TEMPLATE_BODY_MAX_BYTES = 51_200
"""CloudFormation quota: above it a template has to come from S3."""
NEVER_CREATED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""Statuses of a stack that a deployment deletes and creates anew."""

_BOOTSTRAP_VERSION = "30"
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class _Stack:
    name: str
    template: Mapping[str, Any]
    source: Mapping[str, str]  # the parameter of CreateStack that carries the template
    assets: Sequence[FileAsset]
    parameters: Mapping[str, str]


def deploy(
    target: LocalTarget,
    artifacts: Sequence[Artifact],
    parameters: Mapping[str, str],
    progress: Progress = lambda _stack, _phrase: None,
) -> frozenset[str]:
    """Create or update stacks, those side by side that do not need each other, and return the names of those that were
    changed.

    A stack gets those `parameters` that its template declares. CloudFormation itself says whether there is anything to
    update: in the template, the parameters, or the values that those look up. A stack that never came up is deleted
    first, as `cdk deploy` does. Raises DeploymentFailed at the first stack that fails, once those beside it have ended.
    """
    account = target.client("sts").get_caller_identity()["Account"]
    _bootstrap(target, account)
    changed: set[str] = set()
    waiting = list(artifacts)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        while waiting:
            left = {artifact.artifact_id for artifact in waiting}
            ready = [artifact for artifact in waiting if not left & set(artifact.needs)]
            jobs = {
                artifact: pool.submit(
                    _deploy_stack, target, _read_stack(target, artifact, account, parameters), progress
                )
                for artifact in ready
            }
            changed |= {artifact.stack_name for artifact, job in jobs.items() if job.result()}
            waiting = [artifact for artifact in waiting if artifact not in jobs]
    return frozenset(changed)


def remove(
    cloudformation: "CloudFormationClient",
    names: Iterable[str],
    progress: Progress = lambda _stack, _phrase: None,
) -> None:
    """Delete stacks one after the other. Raises DeploymentFailed for one that does not go."""
    for name in names:
        progress(name, "deleting")
        cloudformation.delete_stack(StackName=name)
        status = _settled_status(cloudformation, name)
        if status is not None:
            raise DeploymentFailed(f"{name}: {first_failure(_events(cloudformation, name)) or status}")
        progress(name, "deleted")


def stack_names(cloudformation: "CloudFormationClient", prefix: str) -> list[str]:
    """Return the names of all stacks that are there and begin so, sorted."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return sorted(
        stack["StackName"] for page in pages for stack in page["Stacks"] if stack["StackName"].startswith(prefix)
    )


def _bootstrap(target: LocalTarget, account: str) -> None:
    """Make what `cdk bootstrap` makes, as far as file assets need it."""
    target.client("ssm").put_parameter(
        Name=BOOTSTRAP_VERSION_PARAMETER, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    # In us-east-1, the embedded region, creating a bucket that one owns already is no error.
    target.client("s3").create_bucket(Bucket=f"cdk-hnb659fds-assets-{account}-{target.region}")


def _read_stack(target: LocalTarget, artifact: Artifact, account: str, parameters: Mapping[str, str]) -> _Stack:
    body = artifact.template_path.read_bytes()
    assets = read_assets(artifact.assets_path, account, target.region) if artifact.assets_path.exists() else []
    source = {"TemplateBody": body.decode()}
    if len(body) > TEMPLATE_BODY_MAX_BYTES:
        asset = next((asset for asset in assets if asset.source == artifact.template_path), None)
        if asset is None:
            raise DeploymentFailed(
                f"{artifact.artifact_id}: a template of {len(body)} bytes has to be among the assets"
            )
        source = {"TemplateURL": f"{target.endpoint_url}/{asset.bucket}/{asset.key}"}
    template = json.loads(body)
    declared = template.get("Parameters", {})
    given = {key: value for key, value in parameters.items() if key in declared}
    return _Stack(artifact.stack_name, template, source, assets, given)


def _deploy_stack(target: LocalTarget, stack: _Stack, progress: Progress) -> bool:
    """Deploy one stack; False where it was as it should be."""
    cloudformation = target.client("cloudformation")
    status = _settled_status(cloudformation, stack.name)
    if uploaded := sum(upload(target.client("s3"), asset) for asset in stack.assets):
        progress(stack.name, f"{uploaded} of {len(stack.assets)} assets uploaded")
    if status in NEVER_CREATED:
        progress(stack.name, f"deleting, it is {status}")
        cloudformation.delete_stack(StackName=stack.name)
        status = _settled_status(cloudformation, stack.name)
    earlier = {event["EventId"] for event in _events(cloudformation, stack.name)} if status else set()
    request: dict[str, Any] = {
        "StackName": stack.name,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        **stack.source,
    }
    try:
        if status:
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if "No updates are to be performed" in message:
            progress(stack.name, "unchanged")
            return False
        raise DeploymentFailed(f"{stack.name}: {one_line(message)}") from error
    progress(stack.name, f"{'updating' if status else 'creating'} {len(stack.template['Resources'])} resources")
    status = _settled_status(cloudformation, stack.name)
    if status not in _DONE:
        new = [event for event in _events(cloudformation, stack.name) if event["EventId"] not in earlier]
        raise DeploymentFailed(f"{stack.name}: {first_failure(new) or status}")
    progress(stack.name, status)
    return True


def first_failure(events: Sequence["StackEventTypeDef"]) -> str | None:
    """Return "<logical ID> (<type>): <reason>" of the earliest resource that failed by itself, or None.

    `events` come newest first, as CloudFormation lists them. What was cancelled because of another resource and
    the stack's own summary are passed over unless there is nothing else.
    """
    failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("_FAILED")]
    causes = [
        event
        for event in failed
        if event.get("PhysicalResourceId") != event["StackId"]
        and "cancelled" not in event.get("ResourceStatusReason", "").lower()
    ]
    for event in causes or failed:
        reason = one_line(event.get("ResourceStatusReason", "no reason given"))
        return f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"
    return None


def _settled_status(cloudformation: "CloudFormationClient", stack_name: str) -> str | None:
    """Return the stack's status once nothing is in progress, None where there is no such stack."""

    def status() -> str | None:
        stack = describe(cloudformation, stack_name)
        return stack["StackStatus"] if stack else None

    def give_up(_state: object) -> str:
        raise DeploymentFailed(f"{stack_name}: still in progress after {STACK_TIMEOUT_S:g} s")

    settled: str | None = Retrying(
        retry=retry_if_result(lambda status: status is not None and status.endswith("_IN_PROGRESS")),
        wait=wait_exponential(multiplier=0.05, max=1),
        stop=stop_after_delay(STACK_TIMEOUT_S),
        retry_error_callback=give_up,
    )(status)
    return None if settled == "DELETE_COMPLETE" else settled


def describe(cloudformation: "CloudFormationClient", stack_name: str) -> "StackTypeDef | None":
    """Return what CloudFormation says of a stack; None where there is none of the name."""
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def _events(cloudformation: "CloudFormationClient", stack_name: str) -> list["StackEventTypeDef"]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [event for page in pages for event in page["StackEvents"]]


def one_line(text: str) -> str:
    """Return a text without line breaks, as messages are."""
    return " ".join(text.split())
