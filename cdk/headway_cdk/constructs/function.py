"""A Python function with a role of its own that may write its own log and nothing else."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct
from headway_lane.runtime.names import Environment

MEMORY_MIB = 256


class PythonFunction(Construct):
    """One entry of `functions/`; `handler` names it below the package, such as `caller.handler.call`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.Code,
        handler: str,
        timeout_s: int,
        environment: Mapping[Environment, str],
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
            handler=f"headway_lane.{handler}",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MIB,
            timeout=Duration.seconds(timeout_s),
            environment={str(name): value for name, value in environment.items()},
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
            log_group=log_group,
        )
        log_group.grant_write(self.role)

    def allow(self, actions: list[str], *resources: str) -> None:
        """Allow actions on named resources."""
        self.role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))
