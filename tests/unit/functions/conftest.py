"""Fixtures of the functions' tests. Nothing here reaches a network, and nothing sleeps."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import hypothesis
import pytest
from moto import mock_aws

sys.path.insert(0, str(Path(__file__).parents[3]))  # the fakes go by one name, here and for mypy

from functions import observability
from functions.ledger.record import CallAttribute, JobAttribute
from functions.ledger.settlement import Settler
from functions.ledger.store import Ledger
from tests.unit.functions.fakes import TOKEN, FakeStepFunctions, Tables, WallClock

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import DynamoDBServiceResource

hypothesis.settings.register_profile("unit", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("unit")


class _CurrentStdout:
    """Standard output as it is when a line is written: every test has its own, and the logger outlives them all."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(scope="session", autouse=True)
def _logs_go_to_the_running_test() -> None:
    for handler in observability.logger().handlers:
        handler.setStream(_CurrentStdout())  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make `time.sleep` note its seconds and return."""
    slept_s: list[float] = []
    monkeypatch.setattr("time.sleep", slept_s.append)
    return slept_s


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture(scope="session")
def dynamodb() -> Iterator["DynamoDBServiceResource"]:
    """Serve moto's DynamoDB to the whole session; every test has tables of its own."""
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="eu-central-1")


@pytest.fixture
def tables(dynamodb: "DynamoDBServiceResource") -> Iterator[Tables]:
    made = []
    for name, key in (("Calls", CallAttribute.CALL_ID), ("Jobs", JobAttribute.JOB_KEY)):
        made.append(
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        )
    yield Tables(*made)
    for table in made:
        table.delete()


@pytest.fixture
def wall_clock() -> WallClock:
    return WallClock()


@pytest.fixture
def ledger(tables: Tables, wall_clock: WallClock) -> Ledger:
    return Ledger(tables.calls, tables.jobs, wall_clock)


@pytest.fixture
def step_functions() -> FakeStepFunctions:
    return FakeStepFunctions(TOKEN)


@pytest.fixture
def settler(ledger: Ledger, step_functions: FakeStepFunctions) -> Settler:
    return Settler(ledger, step_functions.client())
