"""Connections for unit tests: a deployment whose names a test may choose, on whatever cloud it brings along."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

import boto3
from headway_cdk.published import PublishedLane

from headway.deployment.connection import Connection
from headway.deployment.stage import DeployedStage, DeployedWorkflow


def stage_of(lanes: dict[str, PublishedLane], workflows: dict[str, DeployedWorkflow] | None = None) -> DeployedStage:
    """Return a stage with these lanes, by vendor, and a project's machines."""
    return DeployedStage("dev", lanes, workflows or {})


def lane_of(**changes: str | None) -> PublishedLane:
    """Return a lane with these resources; the others that every lane has are named after themselves."""
    needed: dict[str, Any] = {field.name: field.name for field in fields(PublishedLane) if field.default is MISSING}
    return PublishedLane(**{**needed, **changes})


@dataclass(frozen=True)
class MotoTarget:
    """What moto plays, where it is switched on."""

    region: str = "us-east-1"

    def client(self, name: str) -> Any:
        make: Any = boto3.client
        return make(name, region_name=self.region)

    def table(self, name: str) -> Any:
        return boto3.resource("dynamodb", region_name=self.region).Table(name)


def moto_connection(**lanes: PublishedLane) -> Connection:
    """Connect to these lanes, by vendor, on moto."""
    return Connection("local", MotoTarget(), stage_of(lanes))
