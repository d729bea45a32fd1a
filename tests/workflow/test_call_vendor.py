"""`call_vendor` (hops 1 and 11): every way through it, by the answers of the vendor and of our own functions."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.ledger.record import UNANSWERED, CallAttribute, CallState, since_attribute
from headway_lane.runtime.errors import ErrorCode

from tests.workflow.conftest import definition

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

INPUT = {"payload": {"prompt": "a lighthouse"}}


def test_a_job_that_succeeds_goes_on_to_its_result(engine: "Engine") -> None:
    run = engine.run("call_vendor", "VendorAnswers", INPUT)
    assert run.status == "SUCCEEDED"
    assert run.states == ["CallVendor", "FetchResult", "RouteResult", "DeliverResult"]
    assert run.output == {
        "call_id": "call-1",  # as the answer says, which in a redrive is to a call of its own
        "vendor": "replicate",
        "job_id": "job-7",
        "status": "succeeded",
        "result": {"output": ["a picture"]},
    }


@pytest.mark.parametrize("case", ["VendorSilent", "HeartbeatMissed"])
def test_a_vendor_that_stays_silent_expires_the_call_in_the_ledger_and_fails_the_workflow(
    engine: "Engine", case: str
) -> None:
    run = engine.run("call_vendor", case, INPUT)
    assert run.states == ["CallVendor", "ExpireCall", "CallExpired"]
    assert (run.status, run.error) == ("FAILED", ErrorCode.REQUEST_EXPIRED)
    assert run.cause == "replicate gave no answer within 300 s, or no sign of life within 200 s"


@pytest.mark.parametrize("case", ["ExpiredTooLate", "LedgerDownAtExpiry"])
def test_an_expiry_that_the_ledger_does_not_take_is_an_expiry_all_the_same(engine: "Engine", case: str) -> None:
    run = engine.run("call_vendor", case, INPUT)
    assert run.states == ["CallVendor", "ExpireCall", "CallExpired"]
    assert (run.status, run.error) == ("FAILED", ErrorCode.REQUEST_EXPIRED)


def test_a_failed_job_fails_the_workflow_with_the_vendors_error_and_cause(engine: "Engine") -> None:
    run = engine.run("call_vendor", "JobFails", INPUT)
    assert run.states == ["CallVendor", "FailCall"]
    assert (run.status, run.error) == ("FAILED", ErrorCode.VENDOR_JOB_FAILED)
    assert run.cause == "replicate ended job job-7 with status failed"


def test_a_rejected_result_fails_the_workflow_with_what_the_results_function_said(engine: "Engine") -> None:
    run = engine.run("call_vendor", "ResultRejected", INPUT)
    assert run.states == ["CallVendor", "FetchResult", "RouteResult", "RejectResult", "FailCall"]
    assert (run.status, run.error) == ("FAILED", ErrorCode.RESULT_UNAVAILABLE)
    assert run.cause == "replicate answered HTTP 404"


def test_a_broken_results_function_is_named_and_the_job_is_not_lost_from_sight(engine: "Engine") -> None:
    run = engine.run("call_vendor", "ResultsFunctionBroken", INPUT)
    assert run.states == ["CallVendor", "FetchResult", "FailCall"]
    assert run.inputs["FetchResult"]["job_id"] == "job-7"
    assert (run.status, run.error) == ("FAILED", ErrorCode.RESULT_UNAVAILABLE)
    assert run.cause == "the results function failed: Runtime.HandlerError"


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
    assert engine.end(arn).output["job_id"] == "job-9"


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
        text = json.dumps(definition("call_vendor", RequestQueueUrl=engine.queue_url))
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


def test_what_expires_is_the_call_that_was_asked_for_in_a_redrive_too() -> None:
    states = definition("call_vendor")["States"]
    asked = states["CallVendor"]["Arguments"]["MessageBody"]["call_id"]
    assert "RedriveCount" in asked
    assert states["ExpireCall"]["Arguments"]["Key"]["call_id"] == {"S": asked}


def test_a_task_that_is_failed_from_outside_fails_the_workflow_with_the_same_words(engine: "Engine") -> None:
    arn = engine.start("call_vendor", None, INPUT)
    engine.fail(engine.receive()["task_token"], "Vendor.Rejected", "replicate: HTTP 422")
    run = engine.end(arn)
    assert (run.status, run.error, run.cause) == ("FAILED", "Vendor.Rejected", "replicate: HTTP 422")


def test_the_results_function_hears_call_and_job_and_nothing_else(engine: "Engine") -> None:
    run = engine.run("call_vendor", "OnlyTheJobScripted", INPUT)
    heard = run.outputs["FetchResult"]["report"]["heard"]
    assert heard == {"call_id": "call-1", "job_id": "job-7"}
    assert (run.error, run.cause) == ("Echo.Rejected", "it only echoes")


@pytest.mark.parametrize("state", [state.value for state in CallState])
def test_a_silent_vendor_expires_what_is_unanswered_and_leaves_every_other_record_alone(
    engine: "Engine", state: str
) -> None:
    call_id = f"silent-{state}"
    record: dict[str, Any] = {CallAttribute.CALL_ID.value: call_id, CallAttribute.STATE.value: state}
    engine.put("calls", **record)
    run = engine.run("call_vendor", "OnlySilenceScripted", INPUT, execution=call_id)
    assert run.error == ErrorCode.REQUEST_EXPIRED
    item = engine.item("calls", call_id=call_id)
    if state in UNANSWERED:
        assert item[CallAttribute.STATE] == CallState.EXPIRED
        assert int(item[since_attribute(CallState.EXPIRED)]) > 1_700_000_000_000
    else:
        assert item == record
