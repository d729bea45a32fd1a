"""What a workflow of a project would be when deployed, with names in the place of ARNs: for tests, and before synth."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headway_lane.contract.vendor import Vendor

from headway_cdk.configuration import load_vendors
from headway_cdk.definitions import bind_file, read_document
from headway_cdk.machine_grants import grants_of, waits_for
from headway_cdk.placeholders import AwsAccount, Binding, Placeholders, ResourceKind
from headway_cdk.project import WORKFLOW_ENDING, Project

_ACCOUNT: Final = AwsAccount("", "", "")
"""No account of anybody's: what is named in it keeps its name only."""


@dataclass(frozen=True, slots=True)
class WorkflowSketch:
    """A machine as it would be: `grants` is IAM action -> names, `waits_for` are the vendors that may settle its tasks.

    Names are those of things, such as `functions/use_result`, `tables/orders` and `replicate/request-queue`.
    """

    definition: Mapping[str, Any]
    grants: Mapping[str, Sequence[str]]
    waits_for: set[str]


def sketch(project: Project, workflow: str) -> WorkflowSketch:
    """Sketch `workflows/<workflow>.asl.json`; ConfigurationError where it could not be deployed."""
    path = project.workflows / f"{workflow}{WORKFLOW_ENDING}"
    bound = placeholders_of(project).bound
    definition = bind_file(path, bound)
    text = definition.text
    for name, value in definition.substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    document = read_document(path)
    machine = project.machine_name(path)
    grants = grants_of(document, bound, file=str(path), machine=machine, account=_ACCOUNT)
    return WorkflowSketch(
        definition=json.loads(text),
        grants={action: [_name_in(arn) for arn in arns] for action, arns in grants.items()},
        waits_for=waits_for(document, bound),
    )


def placeholders_of(project: Project) -> Placeholders:
    """Return what workflows of a project can name. Raises ConfigurationError."""
    found = Placeholders()
    for folder in project.function_folders:
        found.add_function(folder.name, f"functions/{folder.name}")
    for name in project.tables:
        found.add_table(name, table_name=name, arn=f"tables/{name}")
    for name in project.buckets:
        found.add_bucket(name, bucket_name=name, arn=f"buckets/{name}")
    for name, kind in project.resources.items():
        found.add_resource(name, Binding(f"resources/{name}", kind, f"resources/{name}"))
    for name, value in project.settings.items():
        found.add_setting(name, value)
    for files in load_vendors(project.configuration, project.stage):
        found.add_lane(files.vendor, _sketched(files.vendor))
    return found


def _sketched(vendor: Vendor) -> "_SketchedLane":
    def part(kind: ResourceKind, name: str) -> Binding:
        full = f"{vendor.name}/{name}"
        return Binding(full, kind, full, executions_arn=f"{full}/executions")

    urgent = "urgent-queue" if vendor.dispatch.urgent_concurrency else "request-queue"
    return _SketchedLane(
        call_vendor=part(ResourceKind.MACHINE, "call-vendor"),
        request_queue=part(ResourceKind.QUEUE, "request-queue"),
        urgent_queue=part(ResourceKind.QUEUE, urgent),
        results_queue=part(ResourceKind.QUEUE, "results-queue"),
        claims=part(ResourceKind.BUCKET, "claims"),
    )


@dataclass(frozen=True, slots=True)
class _SketchedLane:
    """A lane whose parts have names in the place of ARNs."""

    call_vendor: Binding
    request_queue: Binding
    urgent_queue: Binding
    results_queue: Binding
    claims: Binding


def _name_in(arn: str) -> str:
    return arn.split(":", 5)[-1]
