"""A durable function of a project: it calls vendors as a state machine does, and its lanes end its callbacks."""

from collections.abc import Sequence
from typing import Final, cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from headway_cdk.constructs.lambda_function import LambdaFunction
from headway_cdk.constructs.lane_reference import EVERY_VERSION, LaneReference
from headway_cdk.nag import acknowledge_wildcard
from headway_cdk.placeholders import Placeholders, ResourceKind
from headway_cdk.state_references import account_of

OWN_EXECUTIONS: Final = ("lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")
"""What a durable function does to its own executions (Lambda developer guide, `durable-security`)."""


def make_durable(
    scope: Construct, made: LambdaFunction, *, name: str, execution_timeout_s: int, lanes: Sequence[LaneReference]
) -> None:
    """Make a function durable. It may send to the queues of the lanes, which may end its callbacks, and no other lane
    may; its environment has what a workflow names by the placeholders of these lanes, under the same names.
    """
    arn = account_of(Stack.of(scope)).durable_arn(name)
    # The construct's own property would attach a managed policy.
    cast(
        "lambda_.CfnFunction", made.function.node.default_child
    ).durable_config = lambda_.CfnFunction.DurableConfigProperty(execution_timeout=execution_timeout_s)
    made.role.add_to_principal_policy(iam.PolicyStatement(actions=list(OWN_EXECUTIONS), resources=[arn]))
    acknowledge_wildcard(made.role, arn, EVERY_VERSION)
    named = Placeholders()
    for lane in lanes:
        named.add_lane(lane.vendor, lane)
        lane.let_resume(Construct(scope, f"Lane-{lane.vendor.name}-{name}"), name)
    queues = {bound.arn: None for bound in named.bound.values() if bound.kind is ResourceKind.QUEUE}
    made.role.add_to_principal_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=list(queues)))
    for placeholder, bound in named.bound.items():
        made.function.add_environment(placeholder, str(bound.value))
