"""A Python function drawn from its entry: a role of its own that may do what the entry needs, and write its own log."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from headway_lane.runtime.needs import LambdaEntry

from headway_cdk.constructs.surroundings import FunctionSurroundings
from headway_cdk.nag import acknowledge

MEMORY_MIB = 256


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
