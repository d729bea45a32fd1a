"""A state machine with a role that may do what its file asks for and nothing else."""

from collections.abc import Mapping, Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headway_cdk.definitions import Definition
from headway_cdk.nag import acknowledge, acknowledge_wildcard

_WILDCARD = "What it is called there is known when it runs: an execution, or a claim check by its hash."


class StateMachine(Construct):
    """A machine under its own name; `grants` is IAM action -> ARNs. Its role is called the same, or `role_name`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        definition: Definition,
        grants: Mapping[str, Sequence[str]],
        express: bool = False,
        role_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self, "Role", role_name=role_name or name, assumed_by=iam.ServicePrincipal("states.amazonaws.com")
        )
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            state_machine_type=sfn.StateMachineType.EXPRESS if express else sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(definition.text),
            definition_substitutions=definition.substitutions,
            role=self.role,
            tracing_enabled=True,
            # Events without their data: inputs and outputs carry payloads and task tokens.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        for action, arns in grants.items():
            self.role.add_to_policy(iam.PolicyStatement(actions=[action], resources=list(arns)))
            for arn in arns:
                if arn.endswith("*"):
                    acknowledge_wildcard(self.role, arn, _WILDCARD)
        reason = "Log delivery and X-Ray have no resources to name (Step Functions developer guide)."
        acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", reason)
