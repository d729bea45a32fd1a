"""AppConfig (hop 4): a vendor's application with two profiles, validated there by the schemas of this repository.

The contract is rolled out at once, because a function cannot work without one. The operator's tuning is rolled out
gradually and then watched, because it is changed under load; a function that it has not reached makes no call.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE

from headway_cdk.configuration import VendorFiles, schema
from headway_cdk.constructs.base import Strategies
from headway_cdk.names import own_name
from headway_cdk.tuning_schema import tuning_schema


class RuntimeConfiguration(Construct):
    """The application with its one environment; `arns` is what to grant for a profile."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: str, files: VendorFiles, strategies: Strategies
    ) -> None:
        super().__init__(scope, construct_id)
        vendor = files.vendor.name
        self.application = appconfig.CfnApplication(self, "Application", name=own_name(stage, vendor, "config"))
        self._environment = appconfig.CfnEnvironment(
            self, "Environment", application_id=self.application.ref, name=vendor
        )
        contract, contract_arn = self._deploy(CONTRACT_PROFILE, schema("vendor"), files.contract, strategies.at_once_id)
        tuning, tuning_arn = self._deploy(
            TUNING_PROFILE, tuning_schema(schema("tuning"), files.vendor), files.tuning, strategies.gradual_id
        )
        tuning.add_resource_dependency(contract)  # an environment takes one deployment at a time
        self.arns: Mapping[str, str] = {CONTRACT_PROFILE: contract_arn, TUNING_PROFILE: tuning_arn}

    def roll_back_on(self, alarm: cloudwatch.IAlarm, role_arn: str) -> None:
        """Let AppConfig take a deployment back while an alarm rings.

        Only one that a lowered or raised rate cannot ring: where the depth of a queue did, what an operator does about
        it would be taken back.
        """
        self._environment.monitors = [
            appconfig.CfnEnvironment.MonitorsProperty(alarm_arn=alarm.alarm_arn, alarm_role_arn=role_arn)
        ]

    def _deploy(
        self, name: str, json_schema: Mapping[str, Any], document: Mapping[str, Any], strategy_id: str
    ) -> tuple[appconfig.CfnDeployment, str]:
        profile = appconfig.CfnConfigurationProfile(
            self,
            name.capitalize(),
            application_id=self.application.ref,
            name=name,
            location_uri="hosted",
            type="AWS.Freeform",
            validators=[
                appconfig.CfnConfigurationProfile.ValidatorsProperty(
                    type="JSON_SCHEMA", content=json.dumps(json_schema)
                )
            ],
        )
        version = appconfig.CfnHostedConfigurationVersion(
            profile,
            "Version",
            application_id=self.application.ref,
            configuration_profile_id=profile.ref,
            content_type="application/json",
            content=json.dumps(document),
        )
        deployment = appconfig.CfnDeployment(
            profile,
            "Deployment",
            application_id=self.application.ref,
            environment_id=self._environment.ref,
            configuration_profile_id=profile.ref,
            configuration_version=version.ref,
            deployment_strategy_id=strategy_id,
        )
        arn = Stack.of(self).format_arn(
            service="appconfig",
            resource="application",
            resource_name=f"{self.application.ref}/environment/{self._environment.ref}/configuration/{profile.ref}",
        )
        return deployment, arn
