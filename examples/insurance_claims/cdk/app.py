"""The CDK app: the lane of the claims desk, the machine, and a bus whose events start it and that it ends on."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from headway_cdk.app import ProjectApp

project = ProjectApp()
bus = events.EventBus(project.resources, "Claims")
bus.apply_removal_policy(RemovalPolicy.RETAIN)
project.give("claim_events", bus)

stack = project.workflows
events.Rule(
    stack,
    "Submitted",
    event_bus=events.EventBus.from_event_bus_arn(stack, "Bus", stack.resources["claim_events"].arn),
    event_pattern=events.EventPattern(source=["claims.intake"], detail_type=["Claim Submitted"]),
    targets=[
        targets.SfnStateMachine(
            stack.machines["settle"].machine,
            input=events.RuleTargetInput.from_object({"payload": events.EventField.from_path("$.detail")}),
        )
    ],
)
project.synth()
