"""The stacks of a stage: what it has once, and two for each vendor, so that each is deployed and rolled back alone."""

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from headway_lane.contract.vendor import Vendor

from headway_cdk import state_references
from headway_cdk.configuration import VendorFiles
from headway_cdk.constructs.base import HeadwayBase, strategies_of
from headway_cdk.constructs.lane import Lane
from headway_cdk.constructs.lane_state import LaneState
from headway_cdk.names import base_stack, lane_stack, state_stack


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
