"""What a stage has once, because AWS has few of it: AppConfig's deployment strategies (twenty an account), and API
Gateway's logging role (one a region).
"""

from dataclasses import dataclass, replace

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.lookups import looked_up
from headway_cdk.nag import acknowledge, acknowledge_wildcard
from headway_cdk.names import ALARM_ROLE_PARAMETER, AT_ONCE_PARAMETER, BASE, GRADUAL_PARAMETER, parameter, role_name

GRADUAL_MINUTES = 4
GRADUAL_STEP_PERCENT = 25
BAKE_MINUTES = 2
LOGGING_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, slots=True)
class Strategies:
    """IDs of the deployment strategies, and the role in which AppConfig looks at alarms meanwhile."""

    at_once_id: str
    gradual_id: str
    alarm_role_arn: str = ""


class HeadwayBase(Construct):
    """The strategies; and the logging role, which stays when this goes: no API of the region could log without it."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: str) -> None:
        super().__init__(scope, construct_id)
        cloud = CloudChoice.of(self)
        self.strategies = Strategies(
            at_once_id=self._strategy("AtOnce", stage, minutes=0, percent=100, bake_minutes=0),
            gradual_id=self._strategy(
                "Gradual",
                stage,
                minutes=cloud.gradual_minutes(GRADUAL_MINUTES),
                percent=GRADUAL_STEP_PERCENT,
                bake_minutes=cloud.gradual_minutes(BAKE_MINUTES),
            ),
        )
        published = {AT_ONCE_PARAMETER: self.strategies.at_once_id, GRADUAL_PARAMETER: self.strategies.gradual_id}
        for name, value in published.items():
            ssm.StringParameter(
                self, f"Parameter-{name}", parameter_name=parameter(stage, BASE, name), string_value=value
            )
        self._logging()
        self._watching(stage)

    def _logging(self) -> None:
        role = iam.Role(
            self,
            "LoggingRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(LOGGING_POLICY)],
        )
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        acknowledge(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{LOGGING_POLICY}]",
            "The account-wide role of API Gateway takes this managed policy (API Gateway developer guide).",
        )
        account = apigateway.CfnAccount(self, "Logging", cloud_watch_role_arn=role.role_arn)
        account.apply_removal_policy(RemovalPolicy.RETAIN)

    def _watching(self, stage: str) -> None:
        """Make the role in which AppConfig looks at alarms while a tuning is deployed (AppConfig user guide,
        "Configuring permissions for automatic rollback"): one for all lanes.
        """
        role = iam.Role(
            self,
            "AlarmRole",
            role_name=role_name(stage, BASE, "alarms"),
            assumed_by=iam.ServicePrincipal("appconfig.amazonaws.com"),
        )
        role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]))
        acknowledge_wildcard(
            role, "*", "As the AppConfig user guide has it: which alarms it asks for in a request is not said."
        )
        name = parameter(stage, BASE, ALARM_ROLE_PARAMETER)
        ssm.StringParameter(self, f"Parameter-{ALARM_ROLE_PARAMETER}", parameter_name=name, string_value=role.role_arn)
        self.strategies = replace(self.strategies, alarm_role_arn=role.role_arn)

    def _strategy(self, name: str, stage: str, *, minutes: int, percent: int, bake_minutes: int) -> str:
        return appconfig.CfnDeploymentStrategy(
            self,
            name,
            name=f"headway-{stage}-{name.lower()}",
            deployment_duration_in_minutes=minutes,
            growth_factor=percent,
            growth_type="LINEAR",
            final_bake_time_in_minutes=bake_minutes,
            replicate_to="NONE",
        ).ref


def strategies_of(scope: Construct, stage: str) -> Strategies:
    """Find the strategies of a stage by their parameters."""
    return Strategies(
        looked_up(scope, stage, BASE, AT_ONCE_PARAMETER),
        looked_up(scope, stage, BASE, GRADUAL_PARAMETER),
        looked_up(scope, stage, BASE, ALARM_ROLE_PARAMETER),
    )
