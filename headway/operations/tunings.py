"""An operator's tuning as AppConfig deploys it to a lane that runs: no redeployment, no call lost."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from headway_cdk.names import AT_ONCE_PARAMETER, BASE, GRADUAL_PARAMETER, own_name, parameter
from headway_lane.runtime.names import TUNING_PROFILE

from headway.deployment.connection import Connection

if TYPE_CHECKING:
    from types_boto3_appconfig import AppConfigClient


class Strategy(StrEnum):
    """How a tuning comes to the functions: over some minutes and watched, or at once."""

    GRADUAL = "gradual"
    NOW = "now"


PARAMETERS = {Strategy.GRADUAL: GRADUAL_PARAMETER, Strategy.NOW: AT_ONCE_PARAMETER}


def deploy(connection: Connection, vendor: str, document: Mapping[str, Any], strategy: Strategy) -> int:
    """Let AppConfig deploy a tuning document as a whole to a vendor's lane; return the number of the deployment.

    Raises ClientError, which says BadRequestException where the lane's validators refuse the document.
    """
    client: AppConfigClient = connection.target.client("appconfig")
    application, environment = _place(connection, vendor)
    profile = _id_of(client.list_configuration_profiles(ApplicationId=application)["Items"], TUNING_PROFILE)
    version = client.create_hosted_configuration_version(
        ApplicationId=application,
        ConfigurationProfileId=profile,
        Content=json.dumps(document).encode(),
        ContentType="application/json",
    )["VersionNumber"]
    name = parameter(connection.stage.name, BASE, PARAMETERS[strategy])
    strategy_id = connection.target.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return client.start_deployment(
        ApplicationId=application,
        EnvironmentId=environment,
        DeploymentStrategyId=strategy_id,
        ConfigurationProfileId=profile,
        ConfigurationVersion=str(version),
    )["DeploymentNumber"]


def state_of(connection: Connection, vendor: str, number: int) -> str:
    """Return the state of a deployment, in AppConfig's words: DEPLOYING, BAKING, COMPLETE, ROLLED_BACK and others."""
    client: AppConfigClient = connection.target.client("appconfig")
    application, environment = _place(connection, vendor)
    deployment = client.get_deployment(ApplicationId=application, EnvironmentId=environment, DeploymentNumber=number)
    return deployment["State"]


def _place(connection: Connection, vendor: str) -> tuple[str, str]:
    """Find the IDs of the application and the environment of a vendor's lane."""
    client: AppConfigClient = connection.target.client("appconfig")
    pages = client.get_paginator("list_applications").paginate()
    applications = [item for page in pages for item in page["Items"]]
    application = _id_of(applications, own_name(connection.stage.name, vendor, "config"))
    return application, _id_of(client.list_environments(ApplicationId=application)["Items"], vendor)


def _id_of(items: Any, name: str) -> str:
    """Return the ID of the item with a name. LookupError where there is none."""
    for item in items:
        if item["Name"] == name:
            return str(item["Id"])
    raise LookupError(f"AppConfig has no {name}")
