"""What `headway status` says of seats, from the table as the dispatcher leaves it."""

import boto3
from headway_lane.limiter.in_flight import seat_budget
from headway_lane.limiter.in_flight_store import DynamoSeatStore
from headway_lane.limiter.reservation_store import BudgetAttribute
from moto import mock_aws

from headway.commands.status import seats_taken


def test_seats_that_have_not_expired_are_counted_and_none_before_the_first_call() -> None:
    with mock_aws():
        table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
            TableName="Seated",
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client, store = boto3.client("dynamodb", region_name="us-east-1"), DynamoSeatStore(table)
        assert seats_taken(client, "Seated", "acme", 100) == 0
        store.open(seat_budget("acme"))
        assert seats_taken(client, "Seated", "acme", 100) == 0
        assert store.take(seat_budget("acme"), {"a": 99, "b": 100, "c": 101, "d": 500}, {}, 4)
        assert seats_taken(client, "Seated", "acme", 100) == 2
