"""A state machine from an ASL file, with a role that may do what its file asks for and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from headway_cdk.definitions import bind
from headway_cdk.nag import acknowledge


class StateMachine(Construct):
    """`workflows/<workflow>.asl.json` with `values` bound; `grants` is action -> resources."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        workflow: str,
        express: bool,
        values: Mapping[str, Any],
        grants: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__(scope, construct_id)
        definition = bind(workflow, values)
        role = iam.Role(self, "Role", role_name=name, assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
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
            role=role,
            tracing_enabled=True,
            # Events without their data: inputs and outputs carry payloads and task tokens.
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )
        for action, resources in grants.items():
            role.add_to_policy(iam.PolicyStatement(actions=[action], resources=list(resources)))
        reason = "Log delivery and X-Ray have no resources to name (Step Functions developer guide)."
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", reason)
