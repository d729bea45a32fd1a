"""The ways of an order to a partner: each partner is told in its own form. On a virtual clock, on two interpreters."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.project import find
from headway_cdk.workflow_sketch import sketch

from headway.testing.kit.run import WorkflowRun
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

HERE = Path(__file__).parent
PARTNERS = {row["partner"]: row for row in yaml.safe_load((HERE.parent / "partners.yaml").read_text())}
ITEMS = [{"sku": "T7", "quantity": 1, "grams": 12_400}, {"sku": "C2", "quantity": 4, "grams": 3_150}]
ADDRESS = {"street": "Lindenweg 3", "postcode": "04109", "city": "Leipzig"}
DAY_S = 86_400


def given(partner: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"payload": {"order_id": "o-1", "partner": partner, "items": items, "address": ADDRESS}}


@pytest.fixture
def order(workflow_test: WorkflowTests) -> WorkflowTest:
    """Return the machine with the partner table of partners.yaml, whose rows come as DynamoDB writes them."""

    def row_of(asked: dict[str, Any]) -> dict[str, Any]:
        row = PARTNERS.get(asked["Key"]["partner"]["S"])
        return {"Item": {key: {"S": value} for key, value in row.items()}} if row else {}

    made: WorkflowTest = workflow_test("order")
    made.service("dynamodb:getItem").runs(row_of)
    made.service("dynamodb:putItem").returns({})
    return made


def noted(run: WorkflowRun) -> dict[str, str]:
    """Return the last row of the acknowledgements table."""
    item = [call.arguments["Item"] for call in run.calls if call.action == "dynamodb:putItem"][-1]
    return {key: value["S"] for key, value in item.items()}


@pytest.mark.parametrize("count", [1, 2])
def test_a_partner_that_wants_lines_gets_its_own_article_numbers(order: WorkflowTest, count: int) -> None:
    lumen = order.vendor("lumen").answers({}, after_s=60, status="acknowledged")
    run = order.run(given("lumen", ITEMS[:count]))
    assert run.status == "SUCCEEDED"
    lines = [{"article": "LU-T7", "pieces": 1}, {"article": "LU-C2", "pieces": 4}][:count]
    assert [call.payload for call in lumen.calls] == [{"reference": "o-1", "account": "AISLE-0042", "lines": lines}]


@pytest.mark.parametrize(("count", "weight_kg"), [(1, 12.4), (2, 25)])
def test_a_partner_that_wants_a_parcel_gets_its_weight_and_address(
    order: WorkflowTest, count: int, weight_kg: float
) -> None:
    oakline = order.vendor("oakline").answers({}, after_s=DAY_S / 2, status="taken")
    assert order.run(given("oakline", ITEMS[:count])).status == "SUCCEEDED"
    [call] = oakline.calls
    assert call.payload["parcel"] == {
        "id": "o-1",
        "customer_number": 90017,
        "contents": {item["sku"]: item["quantity"] for item in ITEMS[:count]},
        "weight_kg": weight_kg,
        "to": "Lindenweg 3, 04109 Leipzig",
    }


def test_what_a_partner_acknowledges_is_noted_under_its_own_number(order: WorkflowTest) -> None:
    order.vendor("lumen").answers({}, status="acknowledged")
    run = order.run(given("lumen", ITEMS))
    assert run.output == {"order_id": "o-1", "partner": "lumen", "partner_order_id": "job-1"}
    assert noted(run) == {
        "order_id": "o-1",
        "partner": "lumen",
        "state": "acknowledged",
        "partner_order_id": "job-1",
    }


def test_what_a_partner_cannot_deliver_is_noted_with_its_words(order: WorkflowTest) -> None:
    order.vendor("lumen").fails("no T7 before June")
    run = order.run(given("lumen", ITEMS))
    assert (run.status, run.error) == ("FAILED", "Order.NotAcknowledged")
    assert noted(run)["state"] == "refused"
    assert "no T7 before June" in noted(run)["cause"]


def test_nobody_is_told_of_an_order_for_a_partner_without_a_row(order: WorkflowTest) -> None:
    run = order.run(given("nobody", ITEMS))
    assert (run.status, run.error, run.states[-1]) == ("FAILED", "Order.UnknownPartner", "UnknownPartner")


def test_the_machine_may_read_partners_note_acknowledgements_and_call_both_and_nothing_else() -> None:
    machine = sketch(find(HERE), "order")
    assert machine.waits_for == set()
    assert {action: names for action, names in machine.grants.items() if not action.startswith("events:")} == {
        "dynamodb:GetItem": ["tables/partners"],
        "dynamodb:PutItem": ["tables/acknowledgements"],
        "states:StartExecution": ["lumen/call-vendor", "oakline/call-vendor"],
        "states:DescribeExecution": ["lumen/call-vendor/executions", "oakline/call-vendor/executions"],
        "states:StopExecution": ["lumen/call-vendor/executions", "oakline/call-vendor/executions"],
    }
