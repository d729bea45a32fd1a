"""The ways of an order, from its input to its end: real retries, timeouts and callbacks, on a virtual clock.

Each test runs on two interpreters of state machines, in this process. Nothing reaches AWS or the network.
"""

from functions.use_result.handler import handle

from headway.testing.kit.workflow_test import WorkflowTests

ORDER = {"payload": {"prompt": "a lighthouse"}}
MINUTE_S = 60


def test_an_order_whose_vendor_takes_ten_minutes_ends_with_its_output(workflow_test: WorkflowTests) -> None:
    order = workflow_test("order")
    vendor = order.vendor("replicate").answers({"output": ["1.png"]}, after_s=10 * MINUTE_S, progress_every_s=MINUTE_S)
    order.function("use_result").runs(handle)
    run = order.run(ORDER)
    assert (run.status, run.states) == ("SUCCEEDED", ["AskVendor", "UseResult"])
    assert run.output["output"] == ["1.png"]
    assert run.took_s == 10 * MINUTE_S
    assert [call.payload for call in vendor.calls] == [ORDER["payload"]]


def test_an_order_fails_with_its_call(workflow_test: WorkflowTests) -> None:
    order = workflow_test("order")
    order.vendor("replicate").fails("out of paint", after_s=MINUTE_S)
    run = order.run(ORDER)
    assert (run.status, run.error, run.states) == ("FAILED", "States.TaskFailed", ["AskVendor"])
    assert "out of paint" in (run.cause or "")


def test_an_order_that_nobody_answers_fails_once_the_call_has_timed_out(workflow_test: WorkflowTests) -> None:
    order = workflow_test("order")
    order.vendor("replicate").never_answers()
    run = order.run(ORDER)
    assert (run.status, run.states) == ("FAILED", ["AskVendor"])
    assert "States.Timeout" in (run.cause or "")


def test_a_function_that_fails_is_tried_again(workflow_test: WorkflowTests) -> None:
    order = workflow_test("order")
    order.vendor("replicate").answers({"output": []})
    function = order.function("use_result").fails("KeyError", "'output'").runs(handle)
    assert order.run(ORDER).status == "SUCCEEDED"
    assert [call.at_s for call in function.calls] == [0, 1]
