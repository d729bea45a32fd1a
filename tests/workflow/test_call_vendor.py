"""`call_vendor` (hops 1 and 11): every way through it, by the answers of the vendor and of our own functions."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import read
from headway_lane.runtime.errors import ErrorCode

from tests.workflow.conftest import definition

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

INPUT = {"payload": {"prompt": "a lighthouse"}}


def test_a_job_that_succeeds_goes_on_to_its_result(engine: "Engine") -> None:
    run = engine.run("call_vendor", "VendorAnswers", INPUT)
    assert run.status == "SUCCEEDED"
    assert run.states == ["CallVendor", "FetchResult"], "two transitions a call; they were four"
    assert run.output == {
        "call_id": "call-1",  # as the answer says, which in a redrive is to a call of its own
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


def test_the_request_in_the_queue_has_the_token_and_the_answer_to_it_resumes_the_workflow(engine: "Engine") -> None:
    arn = engine.start("call_vendor", "OnlyResultsScripted", INPUT, execution="picture-2")
    request = engine.receive()
    token = request.pop("task_token")
    assert token
    assert request == {
        "format_version": 1,
        "call_id": "picture-2",
        "vendor": "replicate",
        "idempotency_key": "picture-2",
        "predecessor": "",
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


@pytest.mark.parametrize("urgent", [False, None, "true", 1])
def test_only_what_is_urgent_goes_into_the_urgent_queue(engine: "Engine", urgent: object) -> None:
    for name, asked, queue_url in (("soon", True, engine.urgent_url), ("later", urgent, engine.queue_url)):
        call_id = f"{name}-{urgent}"
        arn = engine.start("call_vendor", None, {**INPUT, "urgent": asked}, execution=call_id)
        request, _ = engine.receive_with_group(queue_url)
        assert request["call_id"] == call_id
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


def test_an_execution_may_name_the_call_that_it_repeats(engine: "Engine") -> None:
    arn = engine.start("call_vendor", None, {**INPUT, "predecessor": "picture-3"})
    request = engine.receive()
    assert request["predecessor"] == "picture-3"
    engine.fail(request["task_token"], "Vendor.Rejected", "enough")
    engine.end(arn)


def test_a_redrive_asks_again_under_a_call_id_of_its_own_with_the_key_of_the_first_attempt(engine: "Engine") -> None:
    # The count is written into the definition here; `e2e/test_time_and_size.py` really redrives one.
    predecessors = {0: "", 1: "picture-4", 2: "picture-4-redrive-1", 12: "picture-4-redrive-11"}
    for count, suffix in ((0, ""), (1, "-redrive-1"), (2, "-redrive-2"), (12, "-redrive-12")):
        name = f"call_vendor_redriven_{count}"
        text = json.dumps(definition("call_vendor", **engine.queues))
        engine.create(name, json.loads(text.replace("$states.context.Execution.RedriveCount", str(count))))
        arn = engine.start(name, None, INPUT, execution="picture-4")
        request = engine.receive()
        assert (request["call_id"], request["idempotency_key"]) == (f"picture-4{suffix}", "picture-4")
        assert request["predecessor"] == predecessors[count]
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
