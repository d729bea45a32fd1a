"""Which properties make another resource, by the schemas of CloudFormation."""

import pytest

from headway.deployment.changes import Recreation
from headway.deployment.replacement import by_schema


@pytest.mark.parametrize(
    ("resource_type", "name", "recreation"),
    [
        ("AWS::SQS::Queue", "QueueName", Recreation.ALWAYS),
        ("AWS::SQS::Queue", "DelaySeconds", Recreation.NEVER),
        ("AWS::DynamoDB::Table", "KeySchema", Recreation.CONDITIONALLY),
        ("AWS::AppConfig::HostedConfigurationVersion", "Content", Recreation.ALWAYS),
        ("AWS::Budgets::Budget", "Budget", Recreation.CONDITIONALLY),  # its name is fixed, its limit is not
        ("AWS::Nobody::Knows", "Name", None),
    ],
)
def test_a_property_that_is_fixed_at_creation_makes_another_resource(
    resource_type: str, name: str, recreation: Recreation | None
) -> None:
    assert by_schema("us-east-1", resource_type, name) is recreation
