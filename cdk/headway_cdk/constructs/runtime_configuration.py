"""AppConfig (hop 4): per vendor an environment with two profiles, validated there by the schemas of this repository.

The contract is rolled out at once, because a function cannot work without one. The operator's tuning is rolled out
gradually and then watched, because it is changed under load; a function that it has not reached makes no call.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_appconfig as appconfig
from constructs import Construct
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, profile_name

from headway_cdk.cloud_choice import CloudChoice
from headway_cdk.configuration import VendorFiles
from headway_cdk.parameters import logical_name

GRADUAL_MINUTES = 4
GRADUAL_STEP_PERCENT = 25
BAKE_MINUTES = 2


class RuntimeConfiguration(Construct):
    """The application, two strategies, and what each vendor needs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, schemas: Mapping[str, Mapping[str, Any]], cloud: CloudChoice
    ) -> None:
        super().__init__(scope, construct_id)
        self._schemas = schemas
        self._arns: dict[str, Mapping[str, str]] = {}
        self.application = appconfig.CfnApplication(self, "Application", name="headway")
        self._at_once = self._strategy("AtOnce", minutes=0, percent=100, bake_minutes=0)
        self._gradual = self._strategy(
            "Gradual",
            minutes=cloud.gradual_minutes(GRADUAL_MINUTES),
            percent=GRADUAL_STEP_PERCENT,
            bake_minutes=cloud.gradual_minutes(BAKE_MINUTES),
        )

    def add_vendor(self, files: VendorFiles) -> None:
        """Add a vendor's environment and profiles."""
        name = logical_name(files.vendor.name)
        environment = appconfig.CfnEnvironment(
            self, f"Environment{name}", application_id=self.application.ref, name=files.vendor.name
        )
        contract, contract_arn = self._deploy(
            environment, name, CONTRACT_PROFILE, "vendor", files.contract, self._at_once
        )
        tuning, tuning_arn = self._deploy(environment, name, TUNING_PROFILE, "tuning", files.tuning, self._gradual)
        tuning.add_resource_dependency(contract)  # an environment takes one deployment at a time
        self._arns[files.vendor.name] = {CONTRACT_PROFILE: contract_arn, TUNING_PROFILE: tuning_arn}

    def arn(self, vendor_name: str, profile: str) -> str:
        """Return the ARN to grant for a profile of a vendor that was added."""
        return self._arns[vendor_name][profile]

    def _deploy(
        self,
        environment: appconfig.CfnEnvironment,
        name: str,
        kind: str,
        schema: str,
        document: Mapping[str, Any],
        strategy: appconfig.CfnDeploymentStrategy,
    ) -> tuple[appconfig.CfnDeployment, str]:
        profile = appconfig.CfnConfigurationProfile(
            self,
            f"{kind.capitalize()}{name}",
            application_id=self.application.ref,
            name=profile_name(environment.name, kind),
            location_uri="hosted",
            type="AWS.Freeform",
            validators=[
                appconfig.CfnConfigurationProfile.ValidatorsProperty(
                    type="JSON_SCHEMA", content=json.dumps(self._schemas[schema])
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
            environment_id=environment.ref,
            configuration_profile_id=profile.ref,
            configuration_version=version.ref,
            deployment_strategy_id=strategy.ref,
        )
        arn = Stack.of(self).format_arn(
            service="appconfig",
            resource="application",
            resource_name=f"{self.application.ref}/environment/{environment.ref}/configuration/{profile.ref}",
        )
        return deployment, arn

    def _strategy(self, name: str, *, minutes: int, percent: int, bake_minutes: int) -> appconfig.CfnDeploymentStrategy:
        return appconfig.CfnDeploymentStrategy(
            self,
            name,
            name=f"headway-{name.lower()}",
            deployment_duration_in_minutes=minutes,
            growth_factor=percent,
            growth_type="LINEAR",
            final_bake_time_in_minutes=bake_minutes,
            replicate_to="NONE",
        )
