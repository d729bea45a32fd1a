"""From a synthesized CDK assembly to running stacks in the embedded cloud, through CloudFormation as on AWS.

In: `cdk.out` and the stacks in the order of their dependencies. Out: the stacks' outputs. For AWS itself there is
`cdk deploy`: this module also plays `cdk bootstrap`, which no account but an emulator's should get unasked.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

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

_BOOTSTRAP_VERSION = "30"
_TEMPLATE_BODY_MAX_BYTES = 51_200  # CloudFormation quota: above it a template has to come from S3
_NEVER_CREATED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class _Stack:
    name: str
    template: Mapping[str, Any]
    source: Mapping[str, str]  # the parameter of CreateStack that carries the template
    assets: Sequence[FileAsset]


def deploy(
    target: LocalTarget,
    assembly_dir: Path,
    stacks: Sequence[str],
    parameters: Mapping[str, str],
    progress: Progress = lambda _stack, _phrase: None,
) -> Mapping[str, str]:
    """Create or update the stacks, one after the other, and return their outputs by key.

    `stacks` are artifact IDs of the assembly's manifest, producers of exports first. A stack gets those `parameters`
    that its template declares; where two stacks have an output of one key, the later one counts. A stack that never
    came up is deleted first, as `cdk deploy` does. Raises DeploymentFailed at the first stack that fails.
    """
    account = target.client("sts").get_caller_identity()["Account"]
    _bootstrap(target, account)
    manifest = json.loads((assembly_dir / "manifest.json").read_text())
    outputs: dict[str, str] = {}
    for artifact_id in stacks:
        stack = _read_stack(target, assembly_dir, manifest, artifact_id, account)
        uploaded = sum(upload(target.client("s3"), asset) for asset in stack.assets)
        progress(stack.name, f"{uploaded} of {len(stack.assets)} assets uploaded")
        outputs |= _deploy_stack(target.client("cloudformation"), stack, parameters, progress)
    return outputs


def _bootstrap(target: LocalTarget, account: str) -> None:
    """Make what `cdk bootstrap` makes, as far as file assets need it."""
    target.client("ssm").put_parameter(
        Name=BOOTSTRAP_VERSION_PARAMETER, Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
    )
    # In us-east-1, the embedded region, creating a bucket that one owns already is no error.
    target.client("s3").create_bucket(Bucket=f"cdk-hnb659fds-assets-{account}-{target.region}")


def _read_stack(
    target: LocalTarget, assembly_dir: Path, manifest: Mapping[str, Any], artifact_id: str, account: str
) -> _Stack:
    artifact = manifest["artifacts"].get(artifact_id, {})
    if artifact.get("type") != "aws:cloudformation:stack":
        raise DeploymentFailed(f"{artifact_id}: the assembly has no stack of this name")
    template_path = assembly_dir / artifact["properties"]["templateFile"]
    body = template_path.read_bytes()
    assets_path = assembly_dir / f"{artifact_id}.assets.json"
    assets = read_assets(assets_path, account, target.region) if assets_path.exists() else []
    source = {"TemplateBody": body.decode()}
    if len(body) > _TEMPLATE_BODY_MAX_BYTES:
        asset = next((asset for asset in assets if asset.source == template_path), None)
        if asset is None:
            raise DeploymentFailed(f"{artifact_id}: a template of {len(body)} bytes has to be among the assets")
        source = {"TemplateURL": f"{target.endpoint_url}/{asset.bucket}/{asset.key}"}
    name = artifact["properties"].get("stackName", artifact_id)
    return _Stack(name=name, template=json.loads(body), source=source, assets=assets)


def _deploy_stack(
    cloudformation: "CloudFormationClient", stack: _Stack, parameters: Mapping[str, str], progress: Progress
) -> dict[str, str]:
    status = _settled_status(cloudformation, stack.name)
    if status in _NEVER_CREATED:
        progress(stack.name, f"deleting, it is {status}")
        cloudformation.delete_stack(StackName=stack.name)
        status = _settled_status(cloudformation, stack.name)
    earlier = {event["EventId"] for event in _events(cloudformation, stack.name)} if status else set()
    request: dict[str, Any] = {
        "StackName": stack.name,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": parameters[key]}
            for key in stack.template.get("Parameters", {})
            if key in parameters
        ],
        **stack.source,
    }
    progress(stack.name, f"{'updating' if status else 'creating'} {len(stack.template['Resources'])} resources")
    try:
        if status:
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if "No updates are to be performed" not in message:
            raise DeploymentFailed(f"{stack.name}: {_one_line(message)}") from error
    status = _settled_status(cloudformation, stack.name)
    if status not in _DONE:
        new = [event for event in _events(cloudformation, stack.name) if event["EventId"] not in earlier]
        raise DeploymentFailed(f"{stack.name}: {first_failure(new) or status}")
    progress(stack.name, status)
    description = _describe(cloudformation, stack.name)
    outputs = description.get("Outputs", []) if description else []
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


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
        reason = _one_line(event.get("ResourceStatusReason", "no reason given"))
        return f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"
    return None


def _settled_status(cloudformation: "CloudFormationClient", stack_name: str) -> str | None:
    """Return the stack's status once nothing is in progress, None where there is no such stack."""

    def status() -> str | None:
        stack = _describe(cloudformation, stack_name)
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


def _describe(cloudformation: "CloudFormationClient", stack_name: str) -> "StackTypeDef | None":
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


def _events(cloudformation: "CloudFormationClient", stack_name: str) -> list["StackEventTypeDef"]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [event for page in pages for event in page["StackEvents"]]


def _one_line(text: str) -> str:
    return " ".join(text.split())
