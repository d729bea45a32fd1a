"""The patch of Parallel and Map: what becomes of the others where one fails, and of what they have started."""

from typing import Any

import pytest

from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.workflow_test import WorkflowTest, WorkflowTests

pytestmark = pytest.mark.interpreters("embedded", reason="the patch is of the embedded cloud's interpreter")
HOUR_S = 3_600
WAITING: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Arguments": {"QueueUrl": "queue", "MessageBody": {"token": "{% $states.context.Task.Token %}"}},
    "TimeoutSeconds": HOUR_S,
    "End": True,
}
STARTING: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution.sync:2",
    "Arguments": {"StateMachineArn": arn_of("stateMachine:child"), "Name": "child-1", "Input": {}},
    "End": True,
}
FAILING_SOON = {
    "StartAt": "Soon",
    "States": {"Soon": {"Type": "Wait", "Seconds": 60, "Next": "Bad"}, "Bad": {"Type": "Fail", "Error": "Branch.Bad"}},
}


def machine(**state: Any) -> dict[str, Any]:
    caught = {"ErrorEquals": ["Branch.Bad"], "Output": "caught", "Next": "End"}
    states = {"It": {"Catch": [caught], "Next": "End", **state}, "End": {"Type": "Succeed"}}
    return {"QueryLanguage": "JSONata", "StartAt": "It", "States": states}


def with_child(workflow_test: WorkflowTests, definition: dict[str, Any]) -> WorkflowTest:
    made: WorkflowTest = workflow_test(definition)
    made.machine("child", {"QueryLanguage": "JSONata", "StartAt": "Wait", "States": {"Wait": WAITING}})
    made.task("Wait").succeeds("late", after_s=HOUR_S / 2)
    return made


def child(test: WorkflowTest) -> str:
    return str(test._interpreter.outcome(arn_of("execution:child:child-1")).status)


def test_a_branch_that_fails_ends_the_state_and_stops_what_the_others_wait_for(workflow_test: WorkflowTests) -> None:
    branches = [{"StartAt": "Start", "States": {"Start": STARTING}}, FAILING_SOON]
    test = with_child(workflow_test, machine(Type="Parallel", Branches=branches))
    run = test.run({})
    assert (run.status, run.output, run.took_s, child(test)) == ("SUCCEEDED", "caught", 60, "ABORTED")
    assert [answer.taken for answer in test.task("Wait").callbacks] == [False]


def test_an_item_that_fails_does_the_same(workflow_test: WorkflowTests) -> None:
    which = {"Condition": "{% $states.input = 'start' %}", "Next": "Start"}
    states = {"Which": {"Type": "Choice", "Choices": [which], "Default": "Soon"}, "Start": STARTING}
    processor = {"StartAt": "Which", "States": states | FAILING_SOON["States"]}  # type: ignore[operator] # of dictionaries
    test = with_child(workflow_test, machine(Type="Map", Items=["start", "fail"], ItemProcessor=processor))
    run = test.run({})
    assert (run.status, run.output, run.took_s, child(test)) == ("SUCCEEDED", "caught", 60, "ABORTED")


def test_an_execution_that_is_stopped_stops_what_it_waits_for(workflow_test: WorkflowTests) -> None:
    test = with_child(workflow_test, {"QueryLanguage": "JSONata", "StartAt": "It", "States": {"It": STARTING}})
    arn = test.start({})
    test.advance(60)
    test.stop(arn)
    assert (test.finish(arn).status, child(test)) == ("ABORTED", "ABORTED")


def test_branches_do_not_assign_each_others_variables_and_outputs_are_made_of_all(workflow_test: WorkflowTests) -> None:
    def branch(name: str) -> Any:
        pause = f"{name}Waits"  # the other has assigned by then
        return {
            "StartAt": name,
            "States": {
                name: {"Type": "Pass", "Assign": {"who": name}, "Next": pause},
                pause: {"Type": "Wait", "Seconds": 1, "Next": f"{name}Says"},
                f"{name}Says": {"Type": "Pass", "Output": "{% $who %}", "End": True},
            },
        }

    made = machine(
        Type="Parallel",
        Arguments={"given": 1},
        Branches=[branch("Ann"), branch("Bob")],
        Output="{% {'all': $states.result} %}",
    )
    made["States"]["It"].pop("Catch")
    assert workflow_test(made).run({}).output == {"all": ["Ann", "Bob"]}
