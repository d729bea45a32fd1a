"""`call_vendor` (hops 1 and 11): every way through it, by the answers of the vendor and of our own functions."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.identity import CallSite
from headway_lane.messages.request import REQUEST, CallRequest
from headway_lane.messages.results_queue import read
from headway_lane.runtime.errors import ErrorCode

from tests.workflow.conftest import ACCOUNT, definition

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

INPUT = {"payload": {"prompt": "a lighthouse"}}
MACHINE_ARN = ACCOUNT.format(service="states", resource="stateMachine:call_vendor")


def call_id(request: Any) -> str:
    return CallRequest.from_body(json.dumps(request), "replicate", "shop-7").call_id


def test_a_job_that_succeeds_goes_on_to_its_result(engine: "Engine") -> None:
    run = engine.run("call_vendor", "VendorAnswers", INPUT)
    assert run.status == "SUCCEEDED"
    assert run.states == ["CallVendor", "FetchResult"], "two transitions a call; they were four"
    assert run.output == {
        "call_id": "call-1",
        "vendor": "replicate",
        "job_id": "job-7",
        "status": "succeeded",
        "result": {"output": ["a picture"]},
    }


@pytest.mark.parametrize(
    ("case", "states", "error", "cause"),
    [
        ("VendorSilent", 1, "States.Timeout", "Task timed out"),
        ("HeartbeatMissed", 1, "States.HeartbeatTimeout", "No heartbeat"),
        ("JobFails", 1, ErrorCode.VENDOR_JOB_FAILED, "replicate ended job job-7 with status failed"),
        ("ResultRejected", 2, ErrorCode.RESULT_UNAVAILABLE, "replicate answered HTTP 404"),
        ("ResultSilent", 2, "States.Timeout", "Task timed out"),
    ],
)
def test_what_fails_ends_the_workflow_where_it_failed_with_its_own_error_and_cause(
    engine: "Engine", case: str, states: int, error: str, cause: str
) -> None:
    run = engine.run("call_vendor", case, INPUT)
    assert run.states == ["CallVendor", "FetchResult"][:states]
    assert (run.status, run.error, run.cause) == ("FAILED", error, cause)


def requested(engine: "Engine", machine_input: Any, machine: str = "call_vendor") -> tuple[str, Any]:
    """Start an execution, take its request, and end it; returns the execution's ARN and the request."""
    arn = engine.start(machine, None, machine_input)
    request = engine.receive()
    engine.fail(request["task_token"], "Vendor.Rejected", "enough")
    engine.end(arn)
    return arn, request


def test_the_request_in_the_queue_has_the_token_and_the_answer_to_it_resumes_the_workflow(engine: "Engine") -> None:
    arn = engine.start("call_vendor", "OnlyResultsScripted", INPUT, execution="picture-2")
    request = engine.receive()
    token = request.pop("task_token")
    assert token
    assert request == {
        "format_version": REQUEST.version,
        "vendor": "replicate",
        "call": {"machine": MACHINE_ARN, "execution": arn, "state": "CallVendor"},
        "payload": {"prompt": "a lighthouse"},
    }
    engine.succeed(token, {"call_id": "picture-2", "job_id": "job-9", "status": "succeeded"})
    run = engine.end(arn)
    assert (run.status, run.inputs["FetchResult"]["job_id"]) == ("SUCCEEDED", "job-9")


@pytest.mark.parametrize("result", [{"output": ["x"]}, ["one"], [["one"]], [], None, "text", 0, False])
def test_the_fetch_in_the_queue_has_a_token_of_its_own_and_what_it_is_told_ends_the_workflow(
    engine: "Engine", result: Any
) -> None:
    arn = engine.start("call_vendor", "OnlyTheJobScripted", INPUT)
    body = engine.receive_fetch()
    fetch = read(json.dumps(body))
    assert fetch == Fetch("call-1", "job-7", "succeeded", body["task_token"])
    told = {"call_id": "call-1", "vendor": "replicate", "job_id": "job-7", "status": "succeeded", "result": result}
    engine.succeed(body["task_token"], told)
    assert engine.end(arn).output == told


def test_a_fetch_that_failed_for_good_is_repeated_by_a_redrive_and_the_vendor_is_not_called_again(
    engine: "Engine",
) -> None:
    arn = engine.start("call_vendor", "OnlyTheJobScripted", INPUT)
    first = engine.receive_fetch()
    engine.fail(first["task_token"], ErrorCode.RESULT_UNAVAILABLE, "replicate answered HTTP 403")
    assert engine.end(arn).error == ErrorCode.RESULT_UNAVAILABLE
    engine.redrive(arn)
    again = engine.receive_fetch()
    assert {**again, "task_token": ""} == {**first, "task_token": ""}
    assert again["task_token"] != first["task_token"]
    engine.succeed(again["task_token"], {"result": "at last"})
    run = engine.end(arn)
    assert (run.status, run.output) == ("SUCCEEDED", {"result": "at last"})
    assert run.states == ["CallVendor", "FetchResult", "FetchResult"]


def test_a_request_is_read_as_it_is_written(engine: "Engine") -> None:
    arn, request = requested(engine, {**INPUT, "tenant": "shop-7"})
    asked = CallRequest.from_body(json.dumps(request), "replicate", "shop-7")
    assert asked.place == CallSite(MACHINE_ARN, arn, "CallVendor")
    assert (asked.payload, asked.waiter) == (INPUT["payload"], request["task_token"])


@pytest.mark.parametrize("item", [3, "order-7", None])
def test_who_starts_the_machine_may_say_for_which_call_of_its_own_it_is(engine: "Engine", item: object) -> None:
    asked = {"execution": "arn:of-the-parent", "state": "AskVendor", "item": item}
    _, request = requested(engine, {**INPUT, "call": asked})
    assert request["call"] == {**asked, "machine": MACHINE_ARN}
    place = CallRequest.from_body(json.dumps(request), "replicate", "").place
    assert place == CallSite(MACHINE_ARN, "arn:of-the-parent", "AskVendor", "" if item is None else str(item))


def test_two_children_of_one_parents_state_are_attempts_at_one_call(engine: "Engine") -> None:
    asked = {"execution": "arn:of-the-parent", "state": "AskVendor"}
    first, second = (requested(engine, {**INPUT, "call": asked})[1] for _ in range(2))
    assert first["task_token"] != second["task_token"]
    assert call_id(first) == call_id(second)


def test_a_redrive_is_another_attempt_at_the_same_call(engine: "Engine") -> None:
    arn, first = requested(engine, INPUT)
    engine.redrive(arn)
    again = engine.receive()
    engine.fail(again["task_token"], "Vendor.Rejected", "enough")
    engine.end(arn)
    assert {**again, "task_token": ""} == {**first, "task_token": ""}
    assert again["task_token"] != first["task_token"]


def test_nobody_can_name_a_call_of_another_machine(engine: "Engine") -> None:
    forged = {"machine": "arn:of-another-machine", "execution": "arn:of-theirs", "state": "AskVendor"}
    _, request = requested(engine, {**INPUT, "call": forged})
    assert request["call"]["machine"] == MACHINE_ARN
    assert call_id(request) != call_id({**request, "call": forged})


def test_a_part_of_a_call_that_the_input_leaves_out_is_the_machines_own(engine: "Engine") -> None:
    arn, request = requested(engine, {**INPUT, "call": {"item": 3}})
    assert request["call"] == {"machine": MACHINE_ARN, "execution": arn, "state": "CallVendor", "item": 3}


@pytest.mark.parametrize("call", ["a text", 7, ["a list"]])
def test_a_call_that_is_no_object_fails_before_anything_is_asked_for(engine: "Engine", call: object) -> None:
    run = engine.run("call_vendor", None, {**INPUT, "call": call})
    assert (run.status, run.error) == ("FAILED", "States.QueryEvaluationError")


def test_items_of_a_map_are_calls_of_their_own_and_a_retry_of_one_is_the_same(engine: "Engine") -> None:
    """An author's machine that asks by itself: the state as in `call_vendor`, in a Map, with a retry."""
    state = definition("call_vendor", **engine.queues)["States"]["CallVendor"]
    state["Arguments"]["MessageBody"]["call"] = (
        "{% {'machine': $states.context.StateMachine.Id, 'execution': $states.context.Execution.Id,"
        " 'state': $states.context.State.Name, 'item': $states.context.Map.Item.Index} %}"
    )
    del state["Next"]
    state |= {"Retry": [{"ErrorEquals": ["Vendor.Unavailable"], "MaxAttempts": 1}], "End": True}
    asking = {"Type": "Map", "Items": "{% $states.input %}", "End": True}
    asking |= {"ItemProcessor": {"StartAt": "CallVendor", "States": {"CallVendor": state}}}
    engine.create(
        "asks_for_many", {"QueryLanguage": "JSONata", "StartAt": "AskForEach", "States": {"AskForEach": asking}}
    )
    arn = engine.start("asks_for_many", None, [{"payload": {"page": 1}}, {"payload": {"page": 2}}])
    requests = [engine.receive() for _ in range(2)]
    first = next(request for request in requests if request["call"]["item"] == 0)
    engine.fail(first["task_token"], "Vendor.Unavailable", "once more")
    requests.append(engine.receive())
    for request in requests[-1], *(request for request in requests[:2] if request is not first):
        engine.succeed(request["task_token"], {})
    assert engine.end(arn).status == "SUCCEEDED"
    assert {request["call"]["execution"] for request in requests} == {arn}
    assert [call_id(request) == call_id(first) for request in requests[:2]].count(True) == 1
    assert call_id(requests[-1]) == call_id(first)


@pytest.mark.parametrize("urgent", [False, None, "true", 1])
def test_only_what_is_urgent_goes_into_the_urgent_queue(engine: "Engine", urgent: object) -> None:
    for name, asked, queue_url in (("soon", True, engine.urgent_url), ("later", urgent, engine.queue_url)):
        arn = engine.start("call_vendor", None, {**INPUT, "urgent": asked}, execution=f"{name}-{urgent}")
        request, _ = engine.receive_with_group(queue_url)
        assert request["call"]["execution"] == arn
        engine.fail(request["task_token"], "Vendor.Rejected", "enough")
        engine.end(arn)


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
    engine: "Engine", tenant: dict[str, object], group: str
) -> None:
    arn = engine.start("call_vendor", None, {**INPUT, **tenant})
    request, found = engine.receive_with_group(engine.queue_url)
    assert found == group
    engine.fail(request["task_token"], "Vendor.Rejected", "enough")
    engine.end(arn)


def test_a_redrive_has_no_state_before_the_call_that_it_would_skip() -> None:
    machine = definition("call_vendor")
    assert machine["StartAt"] == "CallVendor", "a redrive starts at the state that failed, with nothing assigned before"
    assert all("Assign" not in state for state in machine["States"].values())
    assert machine["States"]["CallVendor"]["Arguments"]["MessageBody"]["payload"] == "{% $states.input.payload %}"


def test_a_task_that_is_failed_from_outside_fails_the_workflow_with_the_same_words(engine: "Engine") -> None:
    arn = engine.start("call_vendor", None, INPUT)
    engine.fail(engine.receive()["task_token"], "Vendor.Rejected", "replicate: HTTP 422")
    run = engine.end(arn)
    assert (run.status, run.error, run.cause) == ("FAILED", "Vendor.Rejected", "replicate: HTTP 422")
