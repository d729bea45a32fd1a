"""`call_vendor` (hops 1 and 11): every way through it, by the answers of the vendor and of our own functions."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.identity import CallSite
from headway_lane.messages.request import REQUEST, CallRequest
from headway_lane.messages.results_queue import read
from headway_lane.runtime.errors import ErrorCode

from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.scripts import ScriptedTask
from headway.testing.kit.workflow_test import WorkflowTest
from tests.workflow.conftest import Machine
from tests.workflow.machines import REQUESTS, URGENT, definition

INPUT = {"payload": {"prompt": "a lighthouse"}}
MACHINE_ARN = arn_of("stateMachine:call_vendor")
JOB = {"call_id": "call-1", "job_id": "job-7", "status": "succeeded"}
RESULT = {**JOB, "vendor": "replicate", "result": {"output": ["a picture"]}}

Script = Callable[[ScriptedTask], object]


@pytest.fixture
def calls(machine: Machine) -> WorkflowTest:
    """Return the machine with tasks that nobody answers but the test."""
    made = machine("call_vendor")
    made.task("CallVendor").never_answers()
    made.task("FetchResult").never_answers()
    return made


def message_of(test: WorkflowTest, state: str = "CallVendor") -> Any:
    return test.task(state).calls[-1].arguments["MessageBody"]


def requested(test: WorkflowTest, given: Any) -> tuple[str, Any]:
    """Start an execution and end it after its request; returns the execution's ARN and the request."""
    arn = test.start(given)
    test.answer("CallVendor", error="Vendor.Rejected", cause="enough")
    return arn, message_of(test)


def call_id(request: Any) -> str:
    return CallRequest.from_body(json.dumps(request), "replicate", "shop-7").call_id


def test_a_job_that_succeeds_goes_on_to_its_result(machine: Machine) -> None:
    call = machine("call_vendor")
    call.task("CallVendor").succeeds(JOB)
    call.task("FetchResult").succeeds(RESULT)
    run = call.run(INPUT)
    assert run.status == "SUCCEEDED"
    assert run.states == ["CallVendor", "FetchResult"], "two transitions a call; they were four"
    assert run.output == RESULT


def silent(task: ScriptedTask) -> None:
    task.never_answers()


def working(task: ScriptedTask) -> None:
    task.never_answers(progress_every_s=40)


def failing(error: str, cause: str) -> Script:
    return lambda task: task.fails(error, cause)


@pytest.mark.parametrize(
    ("job", "result", "states", "error", "took_s"),
    [
        (silent, None, 1, "States.Timeout", 200),
        (working, None, 1, "States.Timeout", 300),
        (failing(ErrorCode.VENDOR_JOB_FAILED, "failed"), None, 1, ErrorCode.VENDOR_JOB_FAILED, 0),
        (None, failing(ErrorCode.RESULT_UNAVAILABLE, "HTTP 404"), 2, ErrorCode.RESULT_UNAVAILABLE, 0),
        (None, silent, 2, "States.Timeout", 50),
        (None, working, 2, "States.Timeout", 100),
    ],
    ids=["silent", "never done", "job fails", "result rejected", "result silent", "result never done"],
)
def test_what_fails_ends_the_workflow_where_it_failed_with_its_own_error(
    machine: Machine, job: Script | None, result: Script | None, states: int, error: str, took_s: float
) -> None:
    call = machine("call_vendor")
    (job or (lambda task: task.succeeds(JOB)))(call.task("CallVendor"))
    (result or silent)(call.task("FetchResult"))
    run = call.run(INPUT)
    assert run.states == ["CallVendor", "FetchResult"][:states]
    assert (run.status, run.error, run.took_s) == ("FAILED", error, took_s)


def test_the_request_in_the_queue_has_the_token_and_the_answer_to_it_resumes_the_workflow(calls: WorkflowTest) -> None:
    arn = calls.start(INPUT, name="picture-2")
    request = dict(message_of(calls))
    assert request.pop("task_token")
    assert request == {
        "format_version": REQUEST.version,
        "vendor": "replicate",
        "call": {"machine": MACHINE_ARN, "execution": arn, "state": "CallVendor"},
        "payload": {"prompt": "a lighthouse"},
    }
    calls.answer("CallVendor", output={**JOB, "job_id": "job-9"})
    calls.answer("FetchResult", output=RESULT)
    run = calls.finish(arn)
    assert (run.status, run.inputs["FetchResult"]["job_id"]) == ("SUCCEEDED", "job-9")


@pytest.mark.parametrize("result", [{"output": ["x"]}, ["one"], [["one"]], [], None, "text", 0, False])
def test_the_fetch_in_the_queue_has_a_token_of_its_own_and_what_it_is_told_ends_the_workflow(
    calls: WorkflowTest, result: Any
) -> None:
    calls.start(INPUT)
    first = message_of(calls)["task_token"]
    calls.answer("CallVendor", output=JOB)
    fetch = read(json.dumps(message_of(calls, "FetchResult")))
    assert isinstance(fetch, Fetch)
    assert fetch == Fetch("call-1", "job-7", "succeeded", fetch.waiter)
    assert fetch.waiter != first
    told = {**RESULT, "result": result}
    calls.answer("FetchResult", output=told)
    assert calls.finish(arn_of("execution:call_vendor:run-1")).output == told


@pytest.mark.interpreters("embedded", reason="moto has no RedriveExecution")
def test_a_fetch_that_failed_for_good_is_repeated_by_a_redrive_and_the_vendor_is_not_called_again(
    calls: WorkflowTest,
) -> None:
    arn = calls.start(INPUT)
    calls.answer("CallVendor", output=JOB)
    first = message_of(calls, "FetchResult")
    calls.answer("FetchResult", error=ErrorCode.RESULT_UNAVAILABLE, cause="replicate answered HTTP 403")
    assert calls.finish(arn).error == ErrorCode.RESULT_UNAVAILABLE
    calls.redrive(arn)
    again = message_of(calls, "FetchResult")
    assert {**again, "task_token": ""} == {**first, "task_token": ""}
    assert again["task_token"] != first["task_token"]
    calls.answer("FetchResult", output={"result": "at last"})
    run = calls.finish(arn)
    assert (run.status, run.output) == ("SUCCEEDED", {"result": "at last"})
    assert run.states == ["CallVendor", "FetchResult", "FetchResult"]


def test_a_request_is_read_as_it_is_written(calls: WorkflowTest) -> None:
    arn, request = requested(calls, {**INPUT, "tenant": "shop-7"})
    asked = CallRequest.from_body(json.dumps(request), "replicate", "shop-7")
    assert asked.place == CallSite(MACHINE_ARN, arn, "CallVendor")
    assert (asked.payload, asked.waiter) == (INPUT["payload"], request["task_token"])


@pytest.mark.parametrize("item", [3, "order-7", None])
def test_who_starts_the_machine_may_say_for_which_call_of_its_own_it_is(calls: WorkflowTest, item: object) -> None:
    asked = {"execution": "arn:of-the-parent", "state": "AskVendor", "item": item}
    _, request = requested(calls, {**INPUT, "call": asked})
    assert request["call"] == {**asked, "machine": MACHINE_ARN}
    place = CallRequest.from_body(json.dumps(request), "replicate", "").place
    assert place == CallSite(MACHINE_ARN, "arn:of-the-parent", "AskVendor", "" if item is None else str(item))


def test_two_children_of_one_parents_state_are_attempts_at_one_call(calls: WorkflowTest) -> None:
    asked = {"execution": "arn:of-the-parent", "state": "AskVendor"}
    first, second = (requested(calls, {**INPUT, "call": asked})[1] for _ in range(2))
    assert first["task_token"] != second["task_token"]
    assert call_id(first) == call_id(second)


@pytest.mark.interpreters("embedded", reason="moto has no RedriveExecution")
def test_a_redrive_is_another_attempt_at_the_same_call(calls: WorkflowTest) -> None:
    arn, first = requested(calls, INPUT)
    calls.redrive(arn)
    again = message_of(calls)
    assert {**again, "task_token": ""} == {**first, "task_token": ""}
    assert again["task_token"] != first["task_token"]


def test_nobody_can_name_a_call_of_another_machine(calls: WorkflowTest) -> None:
    forged = {"machine": "arn:of-another-machine", "execution": "arn:of-theirs", "state": "AskVendor"}
    _, request = requested(calls, {**INPUT, "call": forged})
    assert request["call"]["machine"] == MACHINE_ARN
    assert call_id(request) != call_id({**request, "call": forged})


def test_a_part_of_a_call_that_the_input_leaves_out_is_the_machines_own(calls: WorkflowTest) -> None:
    arn, request = requested(calls, {**INPUT, "call": {"item": 3}})
    assert request["call"] == {"machine": MACHINE_ARN, "execution": arn, "state": "CallVendor", "item": 3}


@pytest.mark.interpreters("embedded", reason="known difference: moto calls an expression of the wrong type Runtime")
@pytest.mark.parametrize("call", ["a text", 7, ["a list"]])
def test_a_call_that_is_no_object_fails_before_anything_is_asked_for(calls: WorkflowTest, call: object) -> None:
    run = calls.run({**INPUT, "call": call})
    assert (run.status, run.error, run.calls) == ("FAILED", "States.QueryEvaluationError", [])


@pytest.mark.interpreters("embedded", reason="known difference: moto's tasks in a Map do not see their item")
def test_items_of_a_map_are_calls_of_their_own_and_a_retry_of_one_is_the_same(machine: Machine) -> None:
    """An author's machine that asks by itself: the state as in `call_vendor`, in a Map, with a retry."""
    state = definition("call_vendor")["States"]["CallVendor"]
    state["Arguments"]["MessageBody"]["call"] = (
        "{% {'machine': $states.context.StateMachine.Id, 'execution': $states.context.Execution.Id,"
        " 'state': $states.context.State.Name, 'item': $states.context.Map.Item.Index} %}"
    )
    del state["Next"]
    state |= {"Retry": [{"ErrorEquals": ["Vendor.Unavailable"], "MaxAttempts": 1}], "End": True}
    asking = {"Type": "Map", "Items": "{% $states.input %}", "End": True}
    asking |= {"ItemProcessor": {"StartAt": "CallVendor", "States": {"CallVendor": state}}}
    many = machine(
        "asks_for_many", {"QueryLanguage": "JSONata", "StartAt": "AskForEach", "States": {"AskForEach": asking}}
    )
    many.task("CallVendor").fails("Vendor.Unavailable", "once more", after_s=1).succeeds({}, after_s=1)
    run = many.run([{"payload": {"page": 1}}, {"payload": {"page": 2}}], name="many")
    assert run.status == "SUCCEEDED"
    first, second, again = requests = [call.arguments["MessageBody"] for call in many.task("CallVendor").calls]
    assert {request["call"]["execution"] for request in requests} == {arn_of("execution:asks_for_many:many")}
    assert [request["call"]["item"] for request in requests] == [0, 1, 0]
    assert call_id(first) != call_id(second)
    assert call_id(again) == call_id(first)
    assert [call.at_s for call in many.task("CallVendor").calls] == [0, 0, 2]


@pytest.mark.parametrize("urgent", [True, False, None, "true", 1])
def test_only_what_is_urgent_goes_into_the_urgent_queue(calls: WorkflowTest, urgent: object) -> None:
    calls.start({**INPUT, "urgent": urgent})
    [asked] = calls.task("CallVendor").calls
    assert asked.arguments["QueueUrl"] == (URGENT if urgent is True else REQUESTS)


@pytest.mark.parametrize(
    ("tenant", "group"),
    [
        ({}, "call_vendor"),
        ({"tenant": None}, "call_vendor"),
        ({"tenant": ""}, "call_vendor"),
        ({"tenant": "shop-7"}, "shop-7"),
        ({"tenant": "Möbel & Söhne/7"}, "M-bel-&-S-hne/7"),
        ({"tenant": 42}, "42"),
        ({"tenant": "x" * 200}, "x" * 128),
    ],
)
def test_the_message_group_is_the_tenant_or_else_the_state_machine(
    calls: WorkflowTest, tenant: dict[str, object], group: str
) -> None:
    calls.start({**INPUT, **tenant})
    [asked] = calls.task("CallVendor").calls
    assert asked.arguments["MessageGroupId"] == group


def test_a_redrive_has_no_state_before_the_call_that_it_would_skip() -> None:
    machine = definition("call_vendor")
    assert machine["StartAt"] == "CallVendor", "a redrive starts at the state that failed, with nothing assigned before"
    assert all("Assign" not in state for state in machine["States"].values())
    assert machine["States"]["CallVendor"]["Arguments"]["MessageBody"]["payload"] == "{% $states.input.payload %}"


def test_a_task_that_is_failed_from_outside_fails_the_workflow_with_the_same_words(calls: WorkflowTest) -> None:
    arn = calls.start(INPUT)
    calls.answer("CallVendor", error="Vendor.Rejected", cause="replicate: HTTP 422")
    run = calls.finish(arn)
    assert (run.status, run.error, run.cause) == ("FAILED", "Vendor.Rejected", "replicate: HTTP 422")
