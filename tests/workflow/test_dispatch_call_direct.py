"""`dispatch_call_direct`: the same hops without a function in between; only the proxy's answers are always scripted."""

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, since_attribute
from headway_lane.runtime.errors import ErrorCode

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

CALL: dict[str, Any] = {
    "call_id": "call-1",
    "vendor": "replicate",
    "idempotency_key": "call-1",
    "payload": {"paper": "A5"},
    "origin": {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/calls", "group": None},
    "permit": {},  # the direct way is paced by delay
}
SUBMITTED = ["PrepareCall", "BeginCall", "CallVendor"]


def queued_call(engine: "Engine", state: CallState = CallState.QUEUED) -> dict[str, Any]:
    """Put a call into the ledger and return the input that the dispatcher makes of it."""
    call_id = f"call-{uuid.uuid4()}"
    engine.put("calls", **{CallAttribute.CALL_ID.value: call_id, CallAttribute.STATE.value: state.value})
    return {**CALL, "call_id": call_id}


def test_an_accepted_call_is_joined_to_its_job_and_done(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "Accepted", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"job_id": "7", "answered": False}


def test_an_answer_that_came_before_the_job_id_is_settled(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "AnsweredEarly", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "SettleCall", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"job_id": "7", "answered": True}


def test_a_call_that_expired_meanwhile_is_joined_all_the_same_so_that_its_answer_is_known_as_late(
    engine: "Engine",
) -> None:
    run = engine.run("dispatch_call_direct", "ExpiredMeanwhile", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]
    assert run.inputs["JoinCall"] == {"job": {"id": 7}}


def test_a_call_that_is_throttled_to_the_end_is_rejected_as_such(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "Throttled", CALL)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {"error": ErrorCode.VENDOR_THROTTLED, "cause": "replicate: HTTP 429"}


def test_any_other_failure_rejects_the_call_and_says_that_it_was_not_repeated(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "VendorDown", CALL)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_UNAVAILABLE,
        "cause": "replicate: ApiGateway.502; not repeated, a job could be doubled",
    }


def test_an_answer_without_a_job_id_rejects_the_call_as_unreadable(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "NoJobId", CALL)
    assert run.states == [*SUBMITTED, "AcceptCall", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"]["error"] == ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert run.inputs["RejectCall"]["cause"].startswith("replicate gave no job ID at `job.id`: ")


def test_a_second_delivery_of_a_call_ends_quietly_before_the_vendor(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "Duplicate", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == ["PrepareCall", "BeginCall", "CallDispatched"]


def test_a_ledger_that_is_down_at_the_begin_keeps_the_vendor_from_being_called(engine: "Engine") -> None:
    run = engine.run("dispatch_call_direct", "LedgerDownAtBegin", CALL)
    assert run.states == ["PrepareCall", "BeginCall"]
    assert (run.status, run.error) == ("FAILED", "DynamoDB.InternalServerError")


def test_the_ledger_has_the_call_accepted_and_the_job_mapped_to_it(engine: "Engine") -> None:
    call = queued_call(engine)
    arn = engine.start("dispatch_call_direct", "OnlyTheProxyScripted", call)
    run = engine.end(arn)
    assert run.states[-1] == "CallDispatched"
    record = engine.item("calls", call_id=call["call_id"])
    assert record[CallAttribute.STATE] == CallState.ACCEPTED
    assert record[CallAttribute.JOB_ID] == "7"
    assert record[CallAttribute.LEASE_OWNER] == arn
    begun_ms, accepted_ms = (
        int(record[since_attribute(state)]) for state in (CallState.DISPATCHING, CallState.ACCEPTED)
    )
    assert begun_ms <= accepted_ms
    assert int(record[CallAttribute.LEASE_UNTIL_EPOCH_S]) == pytest.approx(begun_ms / 1_000 + 300, abs=2)
    job = engine.item("jobs", job_key="replicate#7")
    assert job[JobAttribute.CALL_ID] == call["call_id"]
    assert int(job[JobAttribute.EXPIRES_EPOCH_S]) == pytest.approx(accepted_ms / 1_000 + 86_400, abs=2)


def test_an_answer_that_is_parked_in_the_ledger_is_found_and_the_settler_hears_of_it(
    engine: "Engine",
) -> None:
    engine.put("jobs", **{JobAttribute.JOB_KEY.value: "replicate#7", JobAttribute.ANSWER.value: "{}"})
    call = queued_call(engine)
    run = engine.run("dispatch_call_direct", "OnlyTheProxyScripted", call)
    assert run.states[-2:] == ["SettleCall", "CallDispatched"]
    heard = run.outputs["SettleCall"]["Payload"]["heard"]
    assert heard == {"call_id": call["call_id"], "vendor": "replicate", "job_id": "7"}
    assert engine.item("jobs", job_key="replicate#7")[JobAttribute.ANSWER] == "{}", "the answer stays where it is"


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.QUEUED])
def test_a_record_that_is_not_queued_is_not_begun_again(engine: "Engine", state: CallState) -> None:
    call = queued_call(engine, state)
    run = engine.run("dispatch_call_direct", "OnlyTheProxyScripted", call)
    assert run.states == ["PrepareCall", "BeginCall", "CallDispatched"]
    assert engine.item("calls", call_id=call["call_id"])[CallAttribute.STATE] == state


def test_an_execution_that_repeats_its_own_begin_goes_on(engine: "Engine") -> None:
    call = queued_call(engine, CallState.DISPATCHING)
    execution = f"repeat-{uuid.uuid4()}"
    owner = f"arn:aws:states:us-east-1:000000000000:execution:dispatch_call_direct:{execution}"
    engine.put("calls", call_id=call["call_id"], state=CallState.DISPATCHING, lease_owner=owner)
    run = engine.run("dispatch_call_direct", "OnlyTheProxyScripted", call, execution=execution)
    assert run.states[-1] == "CallDispatched"
    assert engine.item("calls", call_id=call["call_id"])[CallAttribute.STATE] == CallState.ACCEPTED


def test_the_settler_hears_the_call_and_why(engine: "Engine") -> None:
    call = queued_call(engine)
    run = engine.run("dispatch_call_direct", "OnlyAThrottleScripted", call)
    assert run.output["heard"] == {"call": call, "error": "Vendor.Throttled", "cause": "replicate: HTTP 429"}
