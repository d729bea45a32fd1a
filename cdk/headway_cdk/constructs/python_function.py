"""A Python function drawn from its entry: a role of its own that may do what the entry needs, and write its own log."""

from aws_cdk import Duration, Names, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from headway_lane.runtime.needs import LambdaEntry

from headway_cdk.constructs.surroundings import FunctionSurroundings
from headway_cdk.nag import acknowledge

MEMORY_MIB = 256
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What Lambda needs to poll a queue (Lambda developer guide, "Using Lambda with Amazon SQS"); the construct library's
event source would grant two actions more, which nothing uses.
"""


class PythonFunction(Construct):
    """One Lambda entry of `headway_lane` in its surroundings."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code,
        entry: LambdaEntry,
        surroundings: FunctionSurroundings,
        timeout_s: int,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = lambda_.Function(
            self,
            "Function",
            code=code,
            handler=f"headway_lane.{entry.handler}",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MIB,
            timeout=Duration.seconds(timeout_s),
            environment={str(name): surroundings.value(name) for name in entry.needs.environment},
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
            log_group=log_group,
        )
        log_group.grant_write(self.role)
        for grant in entry.needs.grants:
            for place in surroundings.places(grant.resource):
                self.role.add_to_principal_policy(
                    iam.PolicyStatement(actions=list(grant.actions), resources=[place.arn])
                )
                if place.finding:
                    acknowledge(self.role, f"AwsSolutions-IAM5[Resource::{place.finding}]", place.reason)

    def poll(
        self,
        queue: sqs.Queue,
        *,
        batch_size: int,
        maximum_concurrency: int,
        batching_window_s: int | None = None,
        enabled: bool = True,
        live: lambda_.IFunction | None = None,
    ) -> None:
        """Let Lambda bring the messages of a queue; to the alias `live`, where there is one."""
        self.role.add_to_principal_policy(iam.PolicyStatement(actions=list(POLLING), resources=[queue.queue_arn]))
        (live or self.function).add_event_source_mapping(
            # The construct library's own name: with another one a deployed mapping would have to make room first.
            f"SqsEventSource:{Names.node_unique_id(queue.node)}",
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            max_batching_window=None if batching_window_s is None else Duration.seconds(batching_window_s),
            max_concurrency=maximum_concurrency,
            report_batch_item_failures=True,
            enabled=enabled,
        )
