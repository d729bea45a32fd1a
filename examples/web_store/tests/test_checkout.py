"""The ways of an order: what the order management hears, and when. On a virtual clock, on two interpreters."""

from pathlib import Path
from typing import Any

import pytest
from headway_cdk.project import find
from headway_cdk.workflow_sketch import sketch

from headway.testing.kit.run import WorkflowRun
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

ORDER = {
    "order_id": "o-1",
    "amount": "49.90",
    "card": "tok_4242",
    "items": [{"sku": "A100", "quantity": 2}],
    "address": {"city": "Leipzig"},
}
HOUR_S = 3_600


@pytest.fixture
def checkout(workflow_test: WorkflowTests) -> WorkflowTest:
    made: WorkflowTest = workflow_test("checkout")
    made.service("sqs:sendMessage").returns({"MessageId": "m"})
    return made


def heard(run: WorkflowRun) -> list[dict[str, Any]]:
    """Return what the order management is sent, in its order."""
    return [call.arguments for call in run.calls if call.arguments.get("QueueUrl") == "order_management"]


def events(run: WorkflowRun) -> list[str]:
    return [message["MessageBody"]["event"] for message in heard(run)]


def test_the_order_management_hears_first_of_the_payment_and_then_of_the_shipment(checkout: WorkflowTest) -> None:
    payments = checkout.vendor("payments").answers({}, after_s=20, status="captured")
    shipping = checkout.vendor("shipping").answers({}, after_s=8 * HOUR_S, status="picked_up")
    run = checkout.run({"payload": ORDER})
    assert run.output == {"order_id": "o-1", "payment_id": "job-1", "shipment_id": "job-1"}
    assert [(message["MessageGroupId"], message["MessageDeduplicationId"]) for message in heard(run)] == [
        ("o-1", "o-1-paid"),
        ("o-1", "o-1-shipped"),
    ]
    assert payments.calls[0].payload == {"reference": "o-1", "amount": "49.90", "card": "tok_4242"}
    assert shipping.calls[0].payload == {"reference": "o-1", "address": ORDER["address"], "items": ORDER["items"]}


def test_what_is_not_paid_is_not_shipped(checkout: WorkflowTest) -> None:
    checkout.vendor("payments").fails("card expired")
    run = checkout.run({"payload": ORDER})
    assert (run.status, run.error, events(run)) == ("FAILED", "Order.NotPaid", ["not_paid"])
    assert "card expired" in heard(run)[0]["MessageBody"]["cause"]
    assert checkout.vendor("shipping").calls == []


def test_what_cannot_be_shipped_is_told_with_its_payment(checkout: WorkflowTest) -> None:
    checkout.vendor("payments").answers({}, status="captured")
    checkout.vendor("shipping").rejects("no such street")
    run = checkout.run({"payload": ORDER})
    assert (run.status, run.error, events(run)) == ("FAILED", "Order.NotShipped", ["paid", "not_shipped"])
    assert heard(run)[1]["MessageBody"]["payment_id"] == "job-1"


def test_a_message_that_is_sent_again_is_the_same_to_the_queue(checkout: WorkflowTest) -> None:
    checkout.vendor("payments").answers({}, status="captured")
    checkout.vendor("shipping").answers({}, status="picked_up")
    checkout.state("TellPaid").fails("SQS.SdkClientException", "no answer").returns({"MessageId": "m"})
    run = checkout.run({"payload": ORDER})
    assert [message["MessageDeduplicationId"] for message in heard(run)] == ["o-1-paid", "o-1-paid", "o-1-shipped"]


def test_the_machine_may_send_to_the_one_queue_and_call_both_vendors() -> None:
    machine = sketch(find(Path(__file__).parent), "checkout")
    assert machine.grants["sqs:SendMessage"] == ["resources/order_management"]
    assert machine.grants["states:StartExecution"] == ["payments/call-vendor", "shipping/call-vendor"]
    assert machine.waits_for == set()
