"""What `headway status` says of in-flight permits, from the table as the dispatcher leaves it."""

import boto3
from headway_lane.limiter.budget_name import in_flight_key
from headway_lane.limiter.in_flight_store import DynamoInFlightStore
from headway_lane.limiter.reservation_store import BudgetAttribute
from moto import mock_aws

from headway.operations.in_flight import jobs_in_flight_count
from tests.unit.headway.connections import lane_of, moto_connection


def test_in_flight_permits_that_have_not_expired_are_counted_and_none_before_the_first_call() -> None:
    with mock_aws():
        table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="Holders",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        connection, store = moto_connection(acme=lane_of(budgets_table="Holders")), DynamoInFlightStore(table)
        assert jobs_in_flight_count(connection, "acme", 100) == 0
        store.open(in_flight_key("acme"))
        assert jobs_in_flight_count(connection, "acme", 100) == 0
        assert store.acquire(in_flight_key("acme"), {"a": 99, "b": 100, "c": 101, "d": 500}, {}, 4)
        assert jobs_in_flight_count(connection, "acme", 100) == 2
