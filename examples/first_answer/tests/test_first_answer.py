"""The first answer of several vendors counts, until the deadline."""

import pytest

from headway.testing.kit.workflow_test import WorkflowTests

FREIGHT = {"payload": {"from": "Hamburg", "to": "Porto"}}


@pytest.mark.parametrize("winner", ["swift", "steady"])
def test_the_first_answer_wins_and_nobody_waits_for_the_other(workflow_test: WorkflowTests, winner: str) -> None:
    test = workflow_test("cheapest_now")
    for vendor in ("swift", "steady"):
        test.vendor(vendor).answers({"price": 99}, after_s=10 if vendor == winner else 30)
    run = test.run(FREIGHT)
    assert (run.status, run.took_s) == ("SUCCEEDED", 10)
    assert run.output == {"vendor": winner, "quote": {"price": 99}}


@pytest.mark.interpreters("embedded", reason="moto lets what a branch has started go on")
def test_the_losers_execution_is_stopped(workflow_test: WorkflowTests) -> None:
    """Its late answer finds nobody; of a stopped execution the lane calls the job off at the vendor."""
    test = workflow_test("cheapest_now")
    test.vendor("swift").answers({"price": 99}, after_s=10)
    steady = test.vendor("steady").answers({"price": 98}, after_s=30)
    assert test.run(FREIGHT).output["vendor"] == "swift"
    assert [answer.taken for answer in steady.callbacks] == [False]
    [asked] = [call.message["call"] for call in steady.calls]
    assert ":headway-dev-steady-call-vendor:" in asked["execution"], "a stop finds the calls of the stopped execution"


def test_a_vendor_that_fails_leaves_the_race_to_the_others(workflow_test: WorkflowTests) -> None:
    test = workflow_test("cheapest_now")
    test.vendor("swift").fails("no lorries")
    test.vendor("steady").answers({"price": 98}, after_s=30)
    run = test.run(FREIGHT)
    assert (run.status, run.output["vendor"]) == ("SUCCEEDED", "steady")


def test_where_all_fail_nobody_waits_for_the_deadline(workflow_test: WorkflowTests) -> None:
    test = workflow_test("cheapest_now")
    for vendor in ("swift", "steady"):
        test.vendor(vendor).fails("no lorries", after_s=5)
    run = test.run(FREIGHT)
    assert (run.status, run.error, run.took_s) == ("FAILED", "Quote.None", 5)


def test_after_a_minute_no_answer_counts(workflow_test: WorkflowTests) -> None:
    test = workflow_test("cheapest_now")
    for vendor in ("swift", "steady"):
        test.vendor(vendor).never_answers()
    run = test.run(FREIGHT)
    assert (run.status, run.error, run.took_s) == ("FAILED", "Quote.TooLate", 60)
