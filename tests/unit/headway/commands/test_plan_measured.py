"""`headway plan --measured`: the deployed lane is asked, and a plan is drawn whatever it says."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.measured import Sample
from headway_lane.limiter.core.rule import rule_of
from headway_lane.limiter.reservation_store import BudgetAttribute, DynamoReservationStore
from moto import mock_aws
from typer.testing import CliRunner

from headway.cli import app
from headway.deployment import connection as connections
from headway.deployment.connection import Connection
from headway.errors import NotRunning
from tests.unit.headway.connections import lane_of, moto_connection

TABLE = "MeasuredBudgets"
NOW_US = 1_800_000_000_000_000
SAMPLES = [Sample(4_000, 84_000 + 1_000 * index) for index in range(60)]
"""Calls that left 4 ms after their slots, and were answered up to 59 ms later than the promptest."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Copy the shipped configuration, with permits, whose headroom is learned."""
    copied = Path(shutil.copytree(EXAMPLE_CONFIGURATION, tmp_path / "appconfig"))
    path = copied / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("pacing: delay", "pacing: permits"))
    path = copied / "tuning" / "replicate.yaml"
    path.write_text("delay_ms: 0\nrate_per_s: 10\nheadroom_ms: auto\n")
    return copied


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": BudgetAttribute.BUDGET, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": BudgetAttribute.BUDGET, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        made = moto_connection(replicate=lane_of(budgets_table=TABLE))
        monkeypatch.setattr(connections, "connect", lambda *_, **__: made)
        yield made
        dynamodb.delete_table(TableName=TABLE)


def shown(config: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        app, ["plan", "replicate", "--measured", *arguments, "--config-dir", str(config)], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    return result.output


def document(config: Path, *arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(shown(config, "--json", *arguments))
    return read


def remember(connection: Connection) -> None:
    changes = Changes("replicate#submit", rule_of([Limit(10, 1, Scope.SUBMIT)], 15_000), lambda: NOW_US)
    budget = Budget(DynamoReservationStore(connection.target.table(TABLE)), changes)
    budget.runner(lambda: NOW_US, lambda _: None).run(changes.answered([], SAMPLES))


def test_a_plan_is_drawn_with_the_headroom_and_the_latency_that_were_measured(
    config: Path, connection: Connection
) -> None:
    remember(connection)
    drawn = document(config)
    values = {line["name"]: line["value"] for line in drawn["lines"]}
    assert drawn["measured"]["calls_count"] == 60
    assert drawn["measured"]["slot_to_socket"] == {"p50_ms": 5, "p90_ms": 5, "p99_ms": 5}
    assert (drawn["measured"]["headroom_ms"], drawn["latency_ms"]) == (55, 110)
    assert values["emission_interval_us"] == 1_055_000 / 10
    assert drawn["notes"] == []
    assert document(config, "--latency-ms", "7")["latency_ms"] == 7, "who says a latency is believed"


def test_the_terminal_says_what_was_measured_below_the_table(config: Path, connection: Connection) -> None:
    remember(connection)
    said = shown(config).rpartition("┘")[2]
    assert "60 calls are remembered" in said
    assert "slot to socket    5 / 5 / 5 ms" in said
    assert "Headroom implied: 55 ms, 5.2 % of the contract." in said


def test_a_lane_that_nobody_has_used_has_measured_nothing(config: Path, connection: Connection) -> None:
    drawn = document(config)
    assert drawn["measured"] is None
    assert drawn["notes"][0] == "Nothing was measured of replicate yet."
    assert drawn["latency_ms"] == 250


@pytest.mark.usefixtures("connection")
def test_a_vendor_that_is_not_deployed_is_said_to_be_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "connect", lambda *_, **__: moto_connection())
    assert "Nothing is measured: replicate is not deployed." in shown(config)


def test_where_no_cloud_runs_the_plan_is_drawn_all_the_same(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object, **__: object) -> Connection:
        raise NotRunning("no embedded cloud runs here")

    monkeypatch.setattr(connections, "connect", connect)
    assert "Nothing is measured: no embedded cloud runs here." in shown(config)
