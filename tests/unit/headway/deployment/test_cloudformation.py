"""Naming the resource to blame, and clients that ignore the user's AWS configuration."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from headway.deployment.cloudformation import first_failure
from headway.deployment.target import LocalTarget

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import ResourceStatusType
    from types_boto3_cloudformation.type_defs import StackEventTypeDef


def event(logical_id: str, status: "ResourceStatusType", reason: str, physical_id: str = "") -> "StackEventTypeDef":
    return {
        "StackId": "arn:stack",
        "EventId": logical_id,
        "StackName": "Stack",
        "Timestamp": datetime(2027, 1, 1, tzinfo=UTC),
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_the_earliest_resource_that_failed_by_itself_is_named_on_one_line() -> None:
    newest_first = [
        event("Stack", "ROLLBACK_FAILED", "it did not come up", "arn:stack"),
        event("Third", "CREATE_FAILED", "of its own"),
        event("Second", "CREATE_FAILED", "no such\n  attribute"),
        event("First", "CREATE_FAILED", "Resource creation cancelled"),
        event("Zeroth", "CREATE_COMPLETE", ""),
    ]
    assert first_failure(newest_first) == "Second (AWS::SQS::Queue): no such attribute"


def test_the_stack_itself_is_named_where_no_resource_failed() -> None:
    assert first_failure([event("Stack", "CREATE_FAILED", "limit exceeded", "arn:stack")]) == (
        "Stack (AWS::SQS::Queue): limit exceeded"
    )
    assert first_failure([]) is None


def test_a_profile_and_proxies_of_the_environment_do_not_reach_the_embedded_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-configured-here")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    target = LocalTarget("http://127.0.0.1:4566")
    client = target.client("sqs")
    assert (target.region, client.meta.region_name) == ("us-east-1", "us-east-1")
    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.config.proxies == {}
    assert target.client("sqs") is client
