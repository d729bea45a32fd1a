"""Answers that nobody waits for (hop 10): stored under a job ID that no call of ours has, as yet or ever."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headway_lane.ledger.record import JobAttribute

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Orphan:
    """One answer without a call: matched by itself as soon as a submit is answered with its job ID."""

    vendor: str
    job_id: str
    status: str
    answered_epoch_ms: int


def orphans(dynamodb: "DynamoDBClient", jobs_table: str) -> Iterator[Orphan]:
    """Yield the orphans of a jobs table, which is read as a whole: a question for a person, not for a loop."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=jobs_table,
        FilterExpression=f"attribute_exists({JobAttribute.ANSWER}) AND attribute_not_exists({JobAttribute.CALL_ID})",
    )
    for page in pages:
        for item in page["Items"]:
            vendor, _, job_id = item[JobAttribute.JOB_KEY]["S"].partition("#")
            answer = json.loads(item[JobAttribute.ANSWER]["S"])
            answered_epoch_ms = int(item[JobAttribute.ANSWERED_EPOCH_MS]["N"])
            yield Orphan(vendor, job_id, answer["status"], answered_epoch_ms)
