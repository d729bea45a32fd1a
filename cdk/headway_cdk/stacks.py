"""The stacks of a stage: what it has once, two for each vendor, and a project's own machines.

Each is deployed and rolled back alone; what one needs of another it finds by SSM parameters.
"""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from headway_lane.contract.vendor import Vendor

from headway_cdk import state_references
from headway_cdk.configuration import VendorFiles
from headway_cdk.constructs.base import HeadwayBase, strategies_of
from headway_cdk.constructs.durable_function import make_durable
from headway_cdk.constructs.given_resources import found_resource
from headway_cdk.constructs.headway_workflow import HeadwayWorkflow
from headway_cdk.constructs.lane import Lane
from headway_cdk.constructs.lane_reference import LaneReference
from headway_cdk.constructs.lane_state import LaneState
from headway_cdk.constructs.private_bucket import private_bucket
from headway_cdk.constructs.project_functions import project_function
from headway_cdk.lookups import looked_up
from headway_cdk.names import (
    BUCKETS,
    TABLES,
    WORKFLOWS,
    base_stack,
    lane_stack,
    own_name,
    parameter,
    resources_stack,
    state_stack,
    workflows_stack,
)
from headway_cdk.project import Project, workflow_of


class BaseStack(Stack):
    """What a stage has once."""

    def __init__(self, scope: Construct, *, stage: str) -> None:
        super().__init__(scope, base_stack(stage), description=f"Headway {stage}: what all vendors share")
        HeadwayBase(self, "Base", stage=stage)


class StateStack(Stack):
    """What outlives every deployment of a vendor's lane. On AWS it is not deleted by accident."""

    def __init__(self, scope: Construct, *, stage: str, vendor: Vendor) -> None:
        description = f"Headway {stage}: ledger, queues and secrets of {vendor.name}"
        super().__init__(scope, state_stack(stage, vendor.name), description=description, termination_protection=True)
        LaneState(self, "State", vendor=vendor, stage=stage)


class LaneStack(Stack):
    """What a deployment of a vendor's lane may replace."""

    def __init__(self, scope: Construct, *, stage: str, files: VendorFiles, code: lambda_.Code) -> None:
        name = files.vendor.name
        description = f"Headway {stage}: functions, machines and APIs of {name}"
        super().__init__(scope, lane_stack(stage, name), description=description)
        Lane(
            self,
            "Lane",
            stage=stage,
            files=files,
            state=state_references.found(self, stage, files.vendor),
            strategies=strategies_of(self, stage),
            code=code,
        )


class TablesStack(Stack):
    """Tables and buckets of a project, which outlive every deployment of its machines."""

    def __init__(self, scope: Construct, *, project: Project) -> None:
        name = f"{workflows_stack(project.stage)}-state"
        description = f"Headway {project.stage}: tables and buckets of {project.name}"
        super().__init__(scope, name, description=description, termination_protection=True)
        for table, keys in project.tables.items():
            made = dynamodb.Table(
                self,
                f"Table-{table}",
                partition_key=_key(keys.partition_key),
                sort_key=_key(keys.sort_key) if keys.sort_key else None,
                billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
                point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                    point_in_time_recovery_enabled=True
                ),
                deletion_protection=True,
                removal_policy=RemovalPolicy.RETAIN,
            )
            ssm.StringParameter(
                self,
                f"Parameter-{table}",
                parameter_name=parameter(project.stage, TABLES, table),
                string_value=made.table_name,
            )
        for name in project.buckets:
            ssm.StringParameter(
                self,
                f"Parameter-bucket-{name}",
                parameter_name=parameter(project.stage, BUCKETS, name),
                string_value=private_bucket(self, f"Bucket-{name}").bucket_name,
            )


class ResourcesStack(Stack):
    """What a project's own app makes for its machines to name; it outlives every deployment of them."""

    def __init__(self, scope: Construct, *, project: Project) -> None:
        description = f"Headway {project.stage}: resources of {project.name}"
        super().__init__(scope, resources_stack(project.stage), description=description, termination_protection=True)


class WorkflowsStack(Stack):
    """Machines and functions of a project; `machines`, `functions`, `tables`, `buckets` and `resources` are there to be
    used by constructs of the project's own in this stack. A resource is its `value`, as workflows name it, and its
    `arn`.

    `used` names the vendors whose lanes have to be there before; those of others may come and go.
    """

    def __init__(self, scope: Construct, *, project: Project, vendors: Sequence[Vendor]) -> None:
        stage = project.stage
        description = f"Headway {stage}: machines and functions of {project.name}"
        super().__init__(scope, workflows_stack(stage), description=description)
        self.functions = {folder.name: project_function(self, folder, stage) for folder in project.function_folders}
        self.tables = {
            name: dynamodb.Table.from_table_name(self, f"Table-{name}", looked_up(self, stage, TABLES, name))
            for name in project.tables
        }
        self.buckets = {
            name: s3.Bucket.from_bucket_name(self, f"Bucket-{name}", looked_up(self, stage, BUCKETS, name))
            for name in project.buckets
        }
        self.resources = {name: found_resource(self, stage, name, kind) for name, kind in project.resources.items()}
        lanes = [LaneReference.found(self, stage=stage, vendor=vendor) for vendor in vendors]
        for name, durable in project.durable_functions.items():
            make_durable(
                self,
                self.functions[name],
                name=own_name(stage, WORKFLOWS, name),
                execution_timeout_s=durable.execution_timeout_s,
                lanes=[lane for lane in lanes if lane.vendor.name in durable.vendors],
            )
        self.machines = {
            workflow_of(file): HeadwayWorkflow(
                self,
                f"Workflow-{workflow_of(file)}",
                file=file,
                stage=stage,
                lanes=lanes,
                functions={name: made.function for name, made in self.functions.items()},
                tables=self.tables,
                buckets=self.buckets,
                resources=self.resources,
                settings=project.settings,
            )
            for file in project.workflow_files
        }
        self.used = {vendor for machine in self.machines.values() for vendor in machine.vendors} | {
            vendor for durable in project.durable_functions.values() for vendor in durable.vendors
        }


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
