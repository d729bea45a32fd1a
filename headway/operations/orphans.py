"""Answers that nobody waits for (hop 10): stored under a job ID that no call of ours has, as yet or ever."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway_lane.ledger.record import JobAttribute

from headway.deployment.connection import Connection

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef


@dataclass(frozen=True, slots=True)
class Orphan:
    """One answer without a call: matched by itself as soon as a submit is answered with its job ID."""

    vendor: str
    job_id: str
    status: str
    answered_epoch_ms: int


def orphans(connection: Connection, vendor_name: str | None = None) -> list[Orphan]:
    """Return the orphans of one vendor, or of all. The jobs table is read as a whole: a question for a person, not for
    a loop.
    """
    dynamodb: DynamoDBClient = connection.target.client("dynamodb")
    unasked = " AND ".join(f"attribute_not_exists({name})" for name in (JobAttribute.CALL_IDS, JobAttribute.CALL_ID))
    wanted = f"attribute_exists({JobAttribute.ANSWER}) AND {unasked}"
    scan = dynamodb.get_paginator("scan")
    return [
        _orphan(item)
        for name, lane in connection.stage.lanes.items()
        if vendor_name in (None, name)
        for page in scan.paginate(TableName=lane.jobs_table, FilterExpression=wanted)
        for item in page["Items"]
    ]


def _orphan(item: "Mapping[str, AttributeValueTypeDef]") -> Orphan:
    vendor, _, job_id = item[JobAttribute.JOB_KEY]["S"].partition("#")
    answer = json.loads(item[JobAttribute.ANSWER]["S"])
    return Orphan(vendor, job_id, answer["status"], int(item[JobAttribute.ANSWERED_EPOCH_MS]["N"]))
