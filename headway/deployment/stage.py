"""What a stage has deployed, as the rest of Headway needs to know it: the lanes of its vendors, a project's machines.

In: the SSM parameters that the constructs write (`headway_cdk.published`), on the embedded cloud as on AWS. Out: a
DeployedStage; nobody else reads a parameter by its name.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from headway_cdk.names import BUCKETS, LANE_PARAMETER, RESERVED, WORKFLOWS, parameter_path
from headway_cdk.published import PublishedLane

from headway.deployment.target import Target
from headway.errors import NotDeployed

CALL_VENDOR: Final = "call_vendor"
"""The workflow that every lane has."""


@dataclass(frozen=True, slots=True)
class DeployedWorkflow:
    """A machine of a project: its ARN, and the vendors whose lanes it uses."""

    arn: str
    vendors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeployedStage:
    """A stage: `lanes` by vendor, a project's own `workflows` by name, and its `buckets`."""

    name: str
    lanes: Mapping[str, PublishedLane]
    workflows: Mapping[str, DeployedWorkflow]
    buckets: Mapping[str, str] = field(default_factory=dict)
    """What each is called in S3, by its own name."""

    def machines(self, workflow: str) -> Mapping[str, str]:
        """Return vendor -> ARN of the machine that calls it by a workflow; empty where there is no such workflow."""
        if workflow == CALL_VENDOR:
            return {vendor: lane.call_vendor_machine_arn for vendor, lane in self.lanes.items()}
        own = self.workflows.get(workflow)
        return dict.fromkeys(own.vendors, own.arn) if own else {}

    @property
    def workflow_names(self) -> list[str]:
        """Names of all workflows that can be run, sorted."""
        return sorted([CALL_VENDOR, *self.workflows] if self.lanes else self.workflows)

    def callback_url(self, vendor: str) -> str:
        """Return where a vendor calls back. Raises NotDeployed where it is not there or calls nobody back."""
        lane = self.lanes.get(vendor)
        if lane is None or lane.callback_url is None:
            what = f"no vendor {vendor}" if lane is None else f"no callback of {vendor}"
            raise NotDeployed(f"stage {self.name} has {what}: it has {', '.join(self.lanes) or 'none'}")
        return lane.callback_url

    @classmethod
    def found(cls, target: Target, name: str) -> Self:
        """Read a stage. Raises NotDeployed where there is none, or where another version made it; botocore's own errors
        where the cloud cannot be asked.
        """
        lanes: dict[str, PublishedLane] = {}
        workflows: dict[str, DeployedWorkflow] = {}
        buckets: dict[str, str] = {}
        for owner, parameter, value in _parameters(target, name):
            if owner == WORKFLOWS:
                document = json.loads(value)
                workflows[parameter] = DeployedWorkflow(document["arn"], tuple(document["vendors"]))
            elif owner == BUCKETS:
                buckets[parameter] = value
            elif parameter == LANE_PARAMETER and owner not in RESERVED:
                lanes[owner] = _lane(owner, value)
        if not lanes and not workflows:
            raise NotDeployed(
                f"nothing of stage {name} is deployed in {target.region}: run `headway up`; on AWS, `cdk deploy --all`"
            )
        return cls(name, dict(sorted(lanes.items())), dict(sorted(workflows.items())), buckets)


def _parameters(target: Target, stage: str) -> Iterator[tuple[str, str, str]]:
    """Yield owner, name and value of every parameter of a stage."""
    path = parameter_path(stage)
    pages = target.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    for page in pages:
        for parameter in page["Parameters"]:
            owner, _, name = parameter["Name"].removeprefix(path).partition("/")
            yield owner, name, parameter["Value"]


def _lane(vendor: str, text: str) -> PublishedLane:
    try:
        return PublishedLane.from_json(text)
    except TypeError as error:
        raise NotDeployed(
            f"the lane of {vendor} lacks a resource: deploy it with this version of Headway ({error})"
        ) from error
