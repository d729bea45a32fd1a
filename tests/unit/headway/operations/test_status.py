"""The whole of `headway status`: each count from its own queue, and the budgets by the names of the limiter."""

from collections.abc import Iterator

import boto3
import pytest
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.budget_name import budget_name
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.reservation_store import BudgetAttribute, DynamoReservationStore
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.operations.status import LaneStatus, deployment_status
from tests.unit.headway.connections import lane_of, moto_connection

NOW_US = 1_800_000_000_000_000
DEPTHS = {"requests": 3, "urgent": 2, "request-dlq": 1, "callbacks": 4, "callback-dlq": 5}


@pytest.fixture
def connection() -> Iterator[Connection]:
    """Connect to a deployment with a lane of `acme`, of which no contract is at hand, and messages in every queue."""
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in DEPTHS}
        for name, count in DEPTHS.items():
            for _ in range(count):
                sqs.send_message(QueueUrl=urls[name], MessageBody="{}")
        boto3.client("dynamodb", region_name="us-east-1").create_table(
            TableName="Budgets",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        lane = lane_of(
            request_queue_url=urls["requests"],
            urgent_queue_url=urls["urgent"],
            request_dlq_url=urls["request-dlq"],
            callback_queue_url=urls["callbacks"],
            callback_dlq_url=urls["callback-dlq"],
            budgets_table="Budgets",
        )
        yield moto_connection(acme=lane)


def test_every_queue_is_counted_apart(connection: Connection) -> None:
    boto3.client("sqs", region_name="us-east-1").receive_message(
        QueueUrl=connection.stage.lanes["acme"].request_queue_url, MaxNumberOfMessages=1
    )
    status = deployment_status(connection, NOW_US, EXAMPLE_CONFIGURATION)
    assert status.lanes == [
        LaneStatus(
            vendor="acme",
            waiting_count=2,
            in_flight_count=1,
            urgent_waiting_count=2,
            urgent_in_flight_count=0,
            soft_limit_count=0,
            dead_count=1,
            jobs_in_flight_count=None,
            jobs_in_flight_limit=None,
            callbacks_waiting_count=4,
            callbacks_dead_count=5,
        )
    ]
    assert status.budgets == []


@pytest.mark.parametrize("scope", list(Scope))
def test_a_budget_of_any_scope_is_shown(connection: Connection, scope: Scope) -> None:
    store = DynamoReservationStore(connection.target.table("Budgets"))
    changes = Changes(budget_name("acme", scope), rule_of([Limit(10, 1, scope)], 0), lambda: NOW_US)
    Budget(store, changes).reserve(1, 0)
    status = deployment_status(connection, NOW_US, EXAMPLE_CONFIGURATION)
    assert [(budget.vendor, budget.scope) for budget in status.budgets] == [("acme", scope)]
    assert status.as_json()["budgets"][0]["learned"]["rules_beside"] == []
    assert status.as_json()["budgets"][0]["scope"] == scope.value
