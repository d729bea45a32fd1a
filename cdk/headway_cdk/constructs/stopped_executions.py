"""What a stopped execution leaves to be called off (beside hop 10): EventBridge tells the results queue of the lane.

Only executions that somebody stops: one that has failed or timed out may be redriven, and takes its late answer then.
Whose calls they were is not known here, so the rule hears of every execution of the account; a lane that the execution
has never called finds nothing in its ledger.
"""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct
from headway_lane.messages.cancel import Stop
from headway_lane.messages.results_queue import write

from headway_cdk.names import stopped_rule

_PLACE = "execution"


def may_tell_of_stops(scope: Construct, *, stage: str, vendor: str, queue_arn: str) -> iam.PolicyStatement:
    """Return what lets the rule of a lane, and no other one, send to its results queue."""
    rule_arn = Stack.of(scope).format_arn(service="events", resource="rule", resource_name=stopped_rule(stage, vendor))
    return iam.PolicyStatement(
        actions=["sqs:SendMessage"],
        principals=[iam.ServicePrincipal("events.amazonaws.com")],
        resources=[queue_arn],
        conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
    )


def tell_of_stops(scope: Construct, *, stage: str, vendor: str, queue_arn: str) -> None:
    """Make the rule. The message is a Stop, with the execution's ARN in its place; EventBridge adds the quotes."""
    events.CfnRule(
        scope,
        "Stopped",
        name=stopped_rule(stage, vendor),
        description=f"Headway: jobs of stopped executions are called off at {vendor}",
        event_pattern={
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {"status": ["ABORTED"]},
        },
        targets=[
            events.CfnRule.TargetProperty(
                id="results",
                arn=queue_arn,
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_paths_map={_PLACE: "$.detail.executionArn"},
                    input_template=write(Stop(f"<{_PLACE}>")).replace(f'"<{_PLACE}>"', f"<{_PLACE}>"),
                ),
            )
        ],
    )
