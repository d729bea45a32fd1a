"""One call in both manners: what comes of an answer, a refusal, a failure and of silence."""

import pytest

from headway.testing.kit.workflow_test import WorkflowTests

MINUTE_S = 60
ORDER = {"payload": {"prompt": "a lighthouse"}}
MANNERS = pytest.mark.parametrize("manner", ["by_execution", "by_message"])


@MANNERS
def test_an_order_ends_with_its_picture(workflow_test: WorkflowTests, manner: str) -> None:
    order = workflow_test(manner)
    lumen = order.vendor("lumen").answers("1.png", after_s=2 * MINUTE_S)
    run = order.run(ORDER)
    assert (run.status, run.output) == ("SUCCEEDED", {"status": "succeeded", "picture": "1.png"})
    assert [call.payload for call in lumen.calls] == [ORDER["payload"]]


@MANNERS
def test_a_refusal_is_an_answer(workflow_test: WorkflowTests, manner: str) -> None:
    order = workflow_test(manner)
    order.vendor("lumen").rejects("no faces")
    run = order.run(ORDER)
    assert (run.status, run.output) == ("SUCCEEDED", {"status": "refused", "why": "no faces"})


@MANNERS
def test_a_job_that_failed_fails_the_order_under_its_own_name(workflow_test: WorkflowTests, manner: str) -> None:
    order = workflow_test(manner)
    order.vendor("lumen").fails("out of paint")
    run = order.run(ORDER)
    assert (run.status, run.error) == ("FAILED", "Vendor.JobFailed")


def test_a_message_that_timed_out_is_another_attempt_at_the_same_call(workflow_test: WorkflowTests) -> None:
    order = workflow_test("by_message")
    lumen = order.vendor("lumen").never_answers().answers("1.png")
    run = order.run(ORDER)
    assert (run.status, run.output["picture"]) == ("SUCCEEDED", "1.png")
    first, second = (call.message for call in lumen.calls)
    assert first["call"] == second["call"]
    assert first["task_token"] != second["task_token"]


def test_an_execution_that_cannot_be_started_now_is_started_later(workflow_test: WorkflowTests) -> None:
    order = workflow_test("by_execution")
    order.vendor("lumen").answers("1.png")
    started = order.state("AskVendor").fails("StepFunctions.ExecutionLimitExceededException")
    started.returns({"Output": {"status": "succeeded", "result": "1.png"}})
    assert order.run(ORDER).status == "SUCCEEDED"
    assert [call.at_s for call in started.calls] == [0, 5]
