"""The interval way (hop 3): a schedule that starts the dispatcher, where the contract says so."""

from enum import StrEnum

from aws_cdk import Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from headway_cdk.constructs.dispatching import unless_paused
from headway_cdk.constructs.surroundings import LaneSurroundings


class ScheduleState(StrEnum):
    """EventBridge Scheduler's words (API reference, `ScheduleState`)."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


def drain_at_intervals(
    scope: Construct, *, lane: LaneSurroundings, dispatcher: lambda_.IFunction, role_name: str
) -> None:
    """Start a vendor's dispatcher at the contract's interval."""
    vendor, dispatch = lane.vendor, lane.vendor.dispatch
    role = iam.Role(
        scope, "ScheduleRole", role_name=role_name, assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")
    )
    role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[dispatcher.function_arn]))
    unit = "minute" if dispatch.interval_minutes == 1 else "minutes"
    scheduler.CfnSchedule(
        scope,
        "Schedule",
        description=f"Headway: drains the request queues of {vendor.name} at intervals",
        schedule_expression=f"rate({dispatch.interval_minutes} {unit})",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        state=_unless_paused(scope, lane),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=dispatcher.function_arn,
            role_arn=role.role_arn,
            input=f'{{"batch_size": {dispatch.batch_size}}}',
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
        ),
    )


def _unless_paused(scope: Construct, lane: LaneSurroundings) -> str:
    """Return the schedule's state; where the lane's own stack makes the parameter, every change enables it."""
    if not lane.state.is_elsewhere:
        return ScheduleState.ENABLED
    running, paused = ScheduleState.ENABLED, ScheduleState.DISABLED
    return Token.as_string(unless_paused(scope, lane.stage, lane.vendor.name, running=running, paused=paused))
