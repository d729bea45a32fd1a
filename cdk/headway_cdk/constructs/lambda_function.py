"""A Python function with a role and a log of its own; the role may write the log, and what is granted on top."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

MEMORY_MIB = 256
RUNTIME = lambda_.Runtime.PYTHON_3_14


class LambdaFunction(Construct):
    """The function and its role, both called `name`, or the role `role_name`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        code: lambda_.Code,
        handler: str,
        timeout_s: int,
        environment: Mapping[str, str],
        reserved_concurrency: int | None = None,
        role_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.role = iam.Role(
            self, "Role", role_name=role_name or name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            code=code,
            handler=handler,
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=MEMORY_MIB,
            timeout=Duration.seconds(timeout_s),
            environment=dict(environment),
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
            log_group=log_group,
        )
        log_group.grant_write(self.role)
