"""Answers without a call, in the tables of all lanes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from headway_lane.ledger.record import JobAttribute
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.operations.orphans import Orphan, orphans
from tests.unit.headway.connections import lane_of, moto_connection

ANSWERED: dict[str, Any] = {
    JobAttribute.ANSWER: {"S": json.dumps({"status": "succeeded"})},
    JobAttribute.ANSWERED_EPOCH_MS: {"N": "1800000000000"},
}
AWAITED: dict[str, Any] = {JobAttribute.CALL_IDS: {"SS": ["call-1", "call-2"]}}
AWAITED_BEFORE: dict[str, Any] = {JobAttribute.CALL_ID: {"S": "call-1"}}
"""As version 1 of the record has it."""


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Connect to two lanes with a job each that nobody waits for, two that somebody does, and one without an answer."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        for vendor in ("acme", "globex"):
            client.create_table(
                TableName=f"jobs-of-{vendor}",
                KeySchema=[{"AttributeName": JobAttribute.JOB_KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": JobAttribute.JOB_KEY, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            jobs = {"orphan": ANSWERED, "heard": {**ANSWERED, **AWAITED}, "silent": AWAITED}
            jobs |= {"heard-before": {**ANSWERED, **AWAITED_BEFORE}}
            for job_id, attributes in jobs.items():
                key: dict[str, Any] = {JobAttribute.JOB_KEY: {"S": f"{vendor}#{job_id}"}}
                client.put_item(TableName=f"jobs-of-{vendor}", Item=key | attributes)
        yield moto_connection(acme=lane_of(jobs_table="jobs-of-acme"), globex=lane_of(jobs_table="jobs-of-globex"))


def test_answers_that_nobody_waits_for_are_found_in_all_lanes_or_in_one(lanes: Connection) -> None:
    found = [Orphan(vendor, "orphan", "succeeded", 1_800_000_000_000) for vendor in ("acme", "globex")]
    assert orphans(lanes) == found
    assert orphans(lanes, "globex") == found[1:]
