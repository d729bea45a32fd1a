"""An operator's tuning as AppConfig deploys it to a lane that runs: no redeployment, no call lost.

What is in force, what was before, the next one, and the way back.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from headway_cdk.names import AT_ONCE_PARAMETER, BASE, GRADUAL_PARAMETER, own_name, parameter
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE

from headway.deployment.connection import Connection
from headway.errors import NotDeployed, NotReachable, OperationRefused
from headway.operations.strategy import Strategy

if TYPE_CHECKING:
    from types_boto3_appconfig import AppConfigClient


PARAMETERS = {Strategy.GRADUAL: GRADUAL_PARAMETER, Strategy.NOW: AT_ONCE_PARAMETER}
UNDER_WAY: Final = frozenset({"BAKING", "VALIDATING", "DEPLOYING", "ROLLING_BACK"})
"""States of a deployment that has not ended (model of AppConfig: `DeploymentState`)."""
COMPLETE: Final = "COMPLETE"


@dataclass(frozen=True, slots=True)
class TuningDeployment:
    """A deployment of a tuning; `version` is what AppConfig calls the document, times are ISO 8601."""

    number: int
    version: str
    state: str
    percent: float
    started: str | None
    ended: str | None
    document: Mapping[str, Any] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in UNDER_WAY


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a lane's configuration is in AppConfig."""

    client: "AppConfigClient"
    application: str
    environment: str

    def profile(self, name: str) -> str:
        """Return the ID of a profile."""
        pages = self.client.get_paginator("list_configuration_profiles").paginate(ApplicationId=self.application)
        return _id_of([item for page in pages for item in page["Items"]], name)

    def deployments(self, profile: str) -> list[TuningDeployment]:
        """Return the deployments of a profile, by its name, the last one first."""
        pages = self.client.get_paginator("list_deployments").paginate(
            ApplicationId=self.application, EnvironmentId=self.environment
        )
        found = [item for page in pages for item in page["Items"] if item.get("ConfigurationName") == profile]
        return sorted((_of(item) for item in found), key=lambda one: -one.number)

    def document(self, profile_id: str, version: str) -> Mapping[str, Any]:
        """Return what a version says."""
        answer = self.client.get_hosted_configuration_version(
            ApplicationId=self.application, ConfigurationProfileId=profile_id, VersionNumber=int(version)
        )
        document: Mapping[str, Any] = json.loads(answer["Content"].read())
        return document


def deploy(connection: Connection, vendor: str, document: Mapping[str, Any], strategy: Strategy) -> int:
    """Let AppConfig deploy a tuning document as a whole to a vendor's lane; return the number of the deployment.

    Raises OperationRefused, with the words of the lane's validators or of a deployment that is under way.
    """
    with asking():
        place = _place(connection, vendor)
        profile = place.profile(TUNING_PROFILE)
        version = place.client.create_hosted_configuration_version(
            ApplicationId=place.application,
            ConfigurationProfileId=profile,
            Content=json.dumps(document).encode(),
            ContentType="application/json",
        )["VersionNumber"]
        return _start(connection, place, profile, str(version), strategy)


def state_of(connection: Connection, vendor: str, number: int) -> TuningDeployment:
    """Return a deployment as it is now."""
    with asking():
        place = _place(connection, vendor)
        return _of(
            place.client.get_deployment(
                ApplicationId=place.application, EnvironmentId=place.environment, DeploymentNumber=number
            )
        )


def in_force(connection: Connection, vendor: str, profile: str = TUNING_PROFILE) -> Mapping[str, Any]:
    """Return the document that was deployed last to the end: the tuning, or (CONTRACT_PROFILE) the contract.

    Raises NotDeployed where none was.
    """
    with asking():
        place = _place(connection, vendor)
        last = next((one for one in place.deployments(profile) if one.state == COMPLETE), None)
        if last is None:
            raise NotDeployed(f"no {profile} of {vendor} has been deployed to its end yet: wait for the deployment")
        return place.document(place.profile(profile), last.version)


def contract_in_force(connection: Connection, vendor: str) -> Mapping[str, Any]:
    """Return the contract that the lane's functions read."""
    return in_force(connection, vendor, CONTRACT_PROFILE)


def history(connection: Connection, vendor: str, limit: int) -> list[TuningDeployment]:
    """Return the last deployments of tunings with what each said, the last one first."""
    with asking():
        place = _place(connection, vendor)
        profile = place.profile(TUNING_PROFILE)
        return [
            TuningDeployment(
                one.number,
                one.version,
                one.state,
                one.percent,
                one.started,
                one.ended,
                place.document(profile, one.version),
            )
            for one in place.deployments(TUNING_PROFILE)[:limit]
        ]


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback does: it stops deployment `stops`, or deploys `document` once more, which is `version`."""

    document: Mapping[str, Any]
    version: str
    stops: int | None


def way_back(connection: Connection, vendor: str) -> Rollback:
    """Return what was in force before the last deployment. Raises NotDeployed where nothing was."""
    with asking():
        place = _place(connection, vendor)
        found = place.deployments(TUNING_PROFILE)
        ended = [one for one in found if one.state == COMPLETE]
        running = found[0].number if found and found[0].is_under_way else None
        current = ended[0].version if ended else None
        other = ended[0] if running and ended else next((one for one in ended if one.version != current), None)
        if other is None:
            raise NotDeployed(f"{vendor} had no tuning before: give the fields, such as --rate")
        return Rollback(place.document(place.profile(TUNING_PROFILE), other.version), other.version, running)


def go_back(connection: Connection, vendor: str, way: Rollback, strategy: Strategy) -> int:
    """Stop what is under way, or deploy the earlier tuning once more; return the number of the deployment."""
    with asking():
        place = _place(connection, vendor)
        if way.stops is None:
            return _start(connection, place, place.profile(TUNING_PROFILE), way.version, strategy)
        place.client.stop_deployment(
            ApplicationId=place.application, EnvironmentId=place.environment, DeploymentNumber=way.stops
        )
        return way.stops


def lane_known(connection: Connection, vendor: str) -> None:
    """Raise NotDeployed where the stage has no such vendor."""
    if vendor not in connection.stage.lanes:
        known = ", ".join(connection.stage.lanes) or "none"
        raise NotDeployed(f"no vendor {vendor} in stage {connection.stage.name}: it has {known}")


@contextmanager
def asking() -> Iterator[None]:
    """Turn AWS's refusals into a line for the operator, with the reasons that validators give."""
    try:
        yield
    except ClientError as error:
        code, words = error.response["Error"]["Code"], " ".join(error.response["Error"].get("Message", "").split())
        if code == "BadRequestException":
            raise OperationRefused(f"AppConfig refuses it: {_reasons(error.response) or words}") from error
        if code == "ConflictException":
            raise OperationRefused(
                f"another deployment is under way: wait for its end, or `headway tune VENDOR --rollback` ({words})"
            ) from error
        raise NotReachable(f"AWS cannot be asked: {code}: {words}") from error
    except BotoCoreError as error:
        raise NotReachable(f"AWS cannot be asked: {' '.join(str(error).split())}") from error


def _reasons(response: Mapping[str, Any]) -> str:
    """Return the details of a refused configuration in one line; empty where there are none."""
    details = response.get("Details", {}).get("InvalidConfiguration", [])
    said = [" ".join(filter(None, (one.get("Location"), one.get("Reason")))) for one in details]
    return " ".join("; ".join(dict.fromkeys(said)).split())


def _start(connection: Connection, place: _Place, profile: str, version: str, strategy: Strategy) -> int:
    name = parameter(connection.stage.name, BASE, PARAMETERS[strategy])
    strategy_id = connection.target.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return place.client.start_deployment(
        ApplicationId=place.application,
        EnvironmentId=place.environment,
        DeploymentStrategyId=strategy_id,
        ConfigurationProfileId=profile,
        ConfigurationVersion=version,
    )["DeploymentNumber"]


def _place(connection: Connection, vendor: str) -> _Place:
    """Find the application and the environment of a vendor's lane."""
    lane_known(connection, vendor)
    client: AppConfigClient = connection.target.client("appconfig")
    pages = client.get_paginator("list_applications").paginate()
    applications = [item for page in pages for item in page["Items"]]
    application = _id_of(applications, own_name(connection.stage.name, vendor, "config"))
    return _Place(client, application, _id_of(client.list_environments(ApplicationId=application)["Items"], vendor))


def _of(item: Any) -> TuningDeployment:
    return TuningDeployment(
        item["DeploymentNumber"],
        item.get("ConfigurationVersion", ""),
        item.get("State", ""),
        item.get("PercentageComplete", 0.0),
        _iso(item.get("StartedAt")),
        _iso(item.get("CompletedAt")),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _id_of(items: Any, name: str) -> str:
    """Return the ID of the item with a name. NotDeployed where there is none."""
    for item in items:
        if item["Name"] == name:
            return str(item["Id"])
    raise NotDeployed(f"AppConfig has no {name}: deploy the vendor with this version of Headway")
