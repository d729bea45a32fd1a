"""A person decides, or nobody does."""

from headway.testing.kit.workflow_test import WorkflowTests

DAY_S = 24 * 3_600
REFUND = {"payload": {"order": "A-17", "amount": 170}}


def test_a_yes_after_two_days_refunds(workflow_test: WorkflowTests) -> None:
    test = workflow_test("refund")
    desk = test.vendor("desk").answers("Ms Vega", after_s=2 * DAY_S)
    run = test.run(REFUND)
    assert (run.status, run.took_s) == ("SUCCEEDED", 2 * DAY_S)
    assert run.output == {"order": "A-17", "decision": "approved", "by": "Ms Vega"}
    assert [call.payload for call in desk.calls] == [{"question": "Refund order A-17?", "amount": 170}]


def test_a_no_is_an_answer(workflow_test: WorkflowTests) -> None:
    test = workflow_test("refund")
    test.vendor("desk").fails("not this one", after_s=DAY_S)
    run = test.run(REFUND)
    assert (run.status, run.output) == ("SUCCEEDED", {"decision": "refused"})


def test_where_nobody_decides_in_three_days_nothing_is_refunded(workflow_test: WorkflowTests) -> None:
    test = workflow_test("refund")
    test.vendor("desk").never_answers()
    run = test.run(REFUND)
    assert (run.status, run.output) == ("SUCCEEDED", {"decision": "nobody decided"})
    assert run.took_s >= 3 * DAY_S
