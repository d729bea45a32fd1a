"""A vendor's lane as one construct, for an app that has stacks of its own."""

from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headway_cdk import bundle
from headway_cdk.configuration import load_vendor
from headway_cdk.constructs.base import HeadwayBase, strategies_of
from headway_cdk.constructs.lane import Lane
from headway_cdk.constructs.lane_reference import LaneReference
from headway_cdk.constructs.lane_state import LaneState
from headway_cdk.stages import DEFAULT_STAGE


class HeadwayLane(Construct):
    """All of one vendor, from its contract file, and its tuning: `../tuning/<vendor>.yaml` beside it, if it is there.

    Without `base` the strategies of the stage's HeadwayBase are looked up, which another stack has. `reference` is what
    HeadwayWorkflow takes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        contract: Path,
        stage: str = DEFAULT_STAGE,
        base: HeadwayBase | None = None,
        code: lambda_.Code | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        files = load_vendor(contract, stage)
        state = LaneState(self, "State", vendor=files.vendor, stage=stage).references
        lane = Lane(
            self,
            "Lane",
            stage=stage,
            files=files,
            state=state,
            strategies=base.strategies if base else strategies_of(self, stage),
            code=code or lambda_.Code.from_asset(str(bundle.built())),
        )
        if base:
            lane.node.add_dependency(base)
        published = state.published
        self.reference = LaneReference(
            stage, files.vendor, state.account, lambda name: str(getattr(published, name)), made=[lane]
        )

    def grant_call(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody, such as a state machine, start calls of the vendor, and see what became of them."""
        return self.reference.grant_call(grantee)
