"""Connections for unit tests: a deployment whose names a test may choose, on whatever cloud it brings along."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from headway.deployment.stack import DeployedLane, Stack

from headway.deployment.connection import Connection


def stack_of(**changes: Any) -> Stack:
    """Return a stack with these fields; the others are named after themselves, and no vendor has a lane."""
    names = (
        "calls_table",
        "jobs_table",
        "budgets_table",
        "claims_bucket",
        "callback_queue_url",
        "callback_dlq_url",
        "callback_function",
        "callback_base_url",
    )
    empty: dict[str, Mapping[str, Any]] = {"workflows": {}, "vendors": {}, "outputs": {}}
    return Stack(**{**empty, **{name: name for name in names}, **changes})


def lane_of(**changes: str | None) -> DeployedLane:
    """Return a lane with these resources; the others that every lane has are named after themselves."""
    names = (
        "request_queue_url",
        "request_dlq_url",
        "dispatch_machine_arn",
        "dispatcher_function",
        "drain_function",
        "rejection_function",
        "results_function",
        "proxy_api_id",
    )
    fields: dict[str, Any] = {**{name: name for name in names}, **changes}
    return DeployedLane(**fields)


@dataclass(frozen=True)
class MotoTarget:
    """What moto plays, where it is switched on."""

    region: str = "us-east-1"

    def client(self, name: str) -> Any:
        make: Any = boto3.client
        return make(name, region_name=self.region)

    def table(self, name: str) -> Any:
        return boto3.resource("dynamodb", region_name=self.region).Table(name)


def moto_connection(**changes: Any) -> Connection:
    """Connect to a stack with these fields on moto."""
    return Connection("local", MotoTarget(), stack_of(**changes))
