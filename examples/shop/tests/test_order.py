"""The order: what its function makes of a result, and what its machine names and may do. No cloud is needed."""

from pathlib import Path

import pytest
from functions.use_result.handler import handle
from headway_cdk.machine_grants import MANAGED_RULE
from headway_cdk.project import find
from headway_cdk.workflow_sketch import WorkflowSketch, sketch


@pytest.fixture(scope="module")
def order() -> WorkflowSketch:
    """Every placeholder of the file is bound, or this fails with the one that is not."""
    return sketch(find(Path(__file__).parent), "order")


def test_an_order_ends_with_the_vendors_output() -> None:
    event = {"call_id": "order-1", "result": {"id": "job-7", "output": ["https://pictures.example/1.png"]}}
    assert handle(event, None) == {"order": "order-1", "output": ["https://pictures.example/1.png"]}


def test_an_order_whose_result_is_too_large_to_travel_says_where_it_lies() -> None:
    claim = {"bucket": "claims", "key": "results/replicate/1.json", "size_bytes": 2_097_163}
    assert handle({"call_id": "order-1", "result": {"headway_claim": claim}}, None) == {
        "order": "order-1",
        "stored": claim,
    }


def test_the_machine_may_call_the_vendor_and_its_own_function_and_nothing_else(order: WorkflowSketch) -> None:
    assert order.grants == {
        "states:StartExecution": ["replicate/call-vendor"],
        "states:DescribeExecution": ["replicate/call-vendor/executions"],
        "states:StopExecution": ["replicate/call-vendor/executions"],
        "events:PutTargets": [MANAGED_RULE],
        "events:PutRule": [MANAGED_RULE],
        "events:DescribeRule": [MANAGED_RULE],
        "lambda:InvokeFunction": ["functions/use_result"],
    }


def test_no_lane_may_settle_a_task_of_the_machine_itself(order: WorkflowSketch) -> None:
    assert order.waits_for == set()
