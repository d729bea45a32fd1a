"""Fixtures of the functions' tests. Nothing here reaches a network, and nothing sleeps."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import hypothesis
import pytest
from aws_lambda_powertools.utilities import parameters
from headway_lane import way_out
from headway_lane import worker as kept_worker
from headway_lane.callback import handler as callback_handler
from headway_lane.dispatcher import handler as dispatcher_handler
from headway_lane.ledger.record import EXECUTION_INDEX, CallAttribute, JobAttribute
from headway_lane.ledger.store import Ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.limiter import tables as limiter_tables
from headway_lane.resume.settlement import Settler
from headway_lane.runtime import clock, observability
from headway_lane.runtime.names import Environment
from headway_lane.settling import handler as settling_handler
from moto import mock_aws

from tests.unit.headway_lane.fakes import (
    CALLBACK_URL,
    CLAIMS_BUCKET,
    NOW_MS,
    TOKEN,
    WEBHOOK_KEY,
    FakeProfiles,
    FakeS3,
    FakeSqs,
    FakeStepFunctions,
    FakeVendor,
    Tables,
    VirtualClock,
    WallClock,
    Worker,
    vendor_of,
)
from tests.unit.headway_lane.memory_stores import MemoryInFlightStore, MemoryReservationStore

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table

SECRETS = {"arn:api-token": "api-token-1", "arn:webhook-key": WEBHOOK_KEY}
ENVIRONMENT = {
    Environment.VENDOR: "acme",
    Environment.CALLS_TABLE: "Calls",
    Environment.JOBS_TABLE: "Jobs",
    Environment.REQUEST_QUEUE_URLS: "https://sqs.example/urgent https://sqs.example/requests",
    Environment.REQUEST_DLQ_URL: "https://sqs.example/request-dlq",
    Environment.RESULTS_QUEUE_URL: "https://sqs.example/results",
    Environment.CALLBACK_QUEUE_URL: "https://sqs.example/callbacks",
    Environment.CALLBACK_DLQ_URL: "https://sqs.example/callback-dlq",
    Environment.DISPATCH_MACHINE_ARN: "arn:aws:states:eu-central-1:123456789012:stateMachine:dispatch",
    Environment.PROXY_URL: "https://proxy.example/live",
    Environment.CALLBACK_URL: CALLBACK_URL,
    Environment.CLAIMS_BUCKET: CLAIMS_BUCKET,
    Environment.API_TOKEN_SECRET: "arn:api-token",
    Environment.WEBHOOK_SECRET: "arn:webhook-key",
    Environment.CONFIG_APPLICATION: "headway",
}
KEEPERS = (kept_worker, way_out, callback_handler, dispatcher_handler, settling_handler)
"""The modules that keep something between two invocations of a worker."""

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
    index: Any = {
        "IndexName": EXECUTION_INDEX,
        "KeySchema": [{"AttributeName": CallAttribute.EXECUTION, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    made = [
        _table(dynamodb, "Calls", [CallAttribute.CALL_ID, CallAttribute.EXECUTION], GlobalSecondaryIndexes=[index]),
        _table(dynamodb, "Jobs", [JobAttribute.JOB_KEY]),
    ]
    yield Tables(*made)
    for table in made:
        table.delete()


def _table(dynamodb: "DynamoDBServiceResource", name: str, attributes: list[str], **more: Any) -> "Table":
    return dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": attributes[0], "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


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
    return Settler(ledger, step_functions.waiters())


@pytest.fixture
def worker(
    tables: Tables,
    ledger: Ledger,
    wall_clock: WallClock,
    step_functions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Worker]:
    """Start a worker anew: environment bound, nothing cached, clients and clocks fake."""
    made = Worker(
        tables=tables,
        ledger=ledger,
        step_functions=step_functions,
        sqs=FakeSqs(),
        s3=FakeS3(),
        vendor=FakeVendor(httpx.Response(201, json={"id": "job-1"})),
        profiles=FakeProfiles(vendor_of()),
        secrets=dict(SECRETS),
        clock=VirtualClock(NOW_MS * 1_000),
        reservations=MemoryReservationStore(),
        in_flight=MemoryInFlightStore(),
    )
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    clients = {"stepfunctions": made.step_functions, "sqs": made.sqs, "s3": made.s3}
    monkeypatch.setattr("boto3.client", lambda name, **_: clients[name])
    monkeypatch.setattr(kept_worker, "AppConfigProfiles", lambda application: made.profiles)
    monkeypatch.setattr(way_out, "client_for", lambda url: made.vendor.client())
    monkeypatch.setattr(limiter_tables, "store", lambda: made.reservations)
    monkeypatch.setattr(in_flight_tables, "store", lambda: made.in_flight)
    monkeypatch.setattr(parameters, "get_secret", lambda arn, max_age: made.secrets[arn])
    monkeypatch.setattr(clock, "epoch_ms", wall_clock)
    monkeypatch.setattr(clock, "epoch_s", lambda: wall_clock() / 1_000)
    monkeypatch.setattr(clock, "epoch_s", lambda: wall_clock() / 1_000)
    monkeypatch.setattr(clock, "monotonic_us", made.clock.monotonic_us)
    monkeypatch.setattr(clock, "epoch_us", made.clock.epoch_us)
    monkeypatch.setattr(clock, "sleep_us", made.clock.sleep_us)
    _forget()
    yield made
    _forget()


def _forget() -> None:
    limiter_tables._SAMPLES.clear()
    for module in KEEPERS:
        for kept in vars(module).values():
            if hasattr(kept, "cache_clear") and kept.__module__ == module.__name__:
                kept.cache_clear()
