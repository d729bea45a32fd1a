"""`dispatch_call_direct`: the same hops without a function in between; only the proxy's answers are always scripted."""

import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, job_key, since_attribute
from headway_lane.messages.request import REQUEST
from headway_lane.runtime.errors import ErrorCode
from headway_lane.vendor_api.submit import DETAIL_LENGTH

from tests.workflow.conftest import definition

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine, Run

MACHINE = "dispatch_call_direct"
CALL: dict[str, Any] = {
    "format_version": REQUEST.version,
    "call_id": "call-1",
    "attempt": "attempt-1",
    "call": {"machine": "machine-1", "execution": "execution-1", "state": "CallVendor"},
    "vendor": "replicate",
    "payload": {"paper": "A5"},
    "ends_epoch_s": 1_795_223_000,
    "origin": {"queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/calls", "group": "tenant-1"},
    "permit": {},  # the direct way is paced by delay
}
SUBMITTED = ["PrepareCall", "BeginCall", "CallVendor"]
FOUND = ["PrepareCall", "BeginCall", "FindCall", "RouteFound"]
JOB = job_key("replicate", "7")
"""What the scripted proxy accepts every call as."""


@pytest.fixture(autouse=True)
def _no_job(engine: "Engine") -> None:
    engine.remove("jobs", job_key=JOB)


def recorded(engine: "Engine", state: CallState = CallState.QUEUED, **more: str | int | bool) -> dict[str, Any]:
    """Put a call into the ledger, of the attempt of CALL, and return the input that the dispatcher makes of it."""
    call_id = f"call-{uuid.uuid4()}"
    record: dict[str, str | int | bool] = {
        CallAttribute.CALL_ID.value: call_id,
        CallAttribute.STATE.value: state.value,
        CallAttribute.ATTEMPT.value: "attempt-1",
    }
    engine.put("calls", **record | more)
    return {**CALL, "call_id": call_id}


def state_of(engine: "Engine", call: dict[str, Any]) -> str:
    return str(engine.item("calls", call_id=call["call_id"])[CallAttribute.STATE])


def dispatched(engine: "Engine", call: dict[str, Any]) -> "Run":
    return engine.run(MACHINE, "OnlyTheProxyScripted", call)


def test_an_accepted_call_is_joined_to_its_job_and_done(engine: "Engine") -> None:
    run = engine.run(MACHINE, "Accepted", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"answered": False}


def test_an_answer_that_came_before_the_job_id_is_settled(engine: "Engine") -> None:
    run = engine.run(MACHINE, "AnsweredEarly", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "SettleCall", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"answered": True}


def test_a_call_that_moved_meanwhile_is_joined_to_its_job_all_the_same(engine: "Engine") -> None:
    run = engine.run(MACHINE, "MovedMeanwhile", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]


def test_a_call_that_is_throttled_to_the_end_is_rejected_as_such(engine: "Engine") -> None:
    run = engine.run(MACHINE, "Throttled", CALL)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {"error": ErrorCode.VENDOR_THROTTLED, "cause": "replicate: HTTP 429"}


def test_a_call_that_is_refused_for_good_is_rejected_as_such_with_the_vendors_words(engine: "Engine") -> None:
    run = engine.run(MACHINE, "VendorRefuses", CALL)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_REJECTED,
        "cause": 'replicate answered ApiGateway.422: {"detail": "no such paper"}',
    }


def test_every_4xx_is_a_refusal_for_good_but_those_that_leave_it_open_whether_the_call_was_taken() -> None:
    open_ended = {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
    refusals = {status for status in HTTPStatus if 400 <= status < 500} - open_ended
    throttled, refused, other = definition(MACHINE)["States"]["CallVendor"]["Catch"]
    assert set(refused["ErrorEquals"]) == {f"ApiGateway.{status.value}" for status in refusals}
    assert (throttled["ErrorEquals"], other["ErrorEquals"]) == (["ApiGateway.429"], ["States.ALL"])
    assert f"$substring($states.errorOutput.Cause, 0, {DETAIL_LENGTH})" in refused["Output"]["cause"]


@pytest.mark.parametrize(("case", "said"), [("VendorDown", "502"), ("VendorConflicts", "409")])
def test_any_other_failure_rejects_the_call_and_says_that_it_was_not_repeated(
    engine: "Engine", case: str, said: str
) -> None:
    run = engine.run(MACHINE, case, CALL)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_UNAVAILABLE,
        "cause": f"replicate: ApiGateway.{said}; not repeated, a job could be doubled",
    }


def test_an_answer_without_a_job_id_rejects_the_call_as_unreadable(engine: "Engine") -> None:
    run = engine.run(MACHINE, "NoJobId", CALL)
    assert run.states == [*SUBMITTED, "AcceptCall", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"]["error"] == ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert run.inputs["RejectCall"]["cause"].startswith("replicate gave no job ID at `job.id`: ")


def test_a_ledger_that_is_down_at_the_begin_keeps_the_vendor_from_being_called_and_the_call_is_recovered(
    engine: "Engine",
) -> None:
    run = engine.run(MACHINE, "LedgerDownAtBegin", CALL)
    assert (run.status, run.states) == ("SUCCEEDED", ["PrepareCall", "BeginCall", "RecoverCall", "CallDispatched"])
    assert run.inputs["RecoverCall"] == {"because": "DynamoDB.InternalServerError"}


def test_a_call_that_cannot_be_looked_at_is_seen_as_a_failed_execution(engine: "Engine") -> None:
    run = engine.run(MACHINE, "LedgerDownAtFind", CALL)
    assert run.states[-1] == "FindCall"
    assert (run.status, run.error) == ("FAILED", "DynamoDB.InternalServerError")


def test_the_ledger_has_the_call_sending_then_accepted_and_the_job_mapped_to_it(engine: "Engine") -> None:
    call = recorded(engine)
    arn = engine.start(MACHINE, "OnlyTheProxyScripted", call)
    run = engine.end(arn)
    assert run.states[-1] == "CallDispatched"
    record = engine.item("calls", call_id=call["call_id"])
    assert record[CallAttribute.STATE] == CallState.ACCEPTED
    assert record[CallAttribute.JOB_ID] == "7"
    assert record[CallAttribute.HOLDER].startswith(f"{arn}#")
    begun_ms, accepted_ms = (int(record[since_attribute(state)]) for state in (CallState.SENDING, CallState.ACCEPTED))
    assert begun_ms <= accepted_ms
    assert int(record[CallAttribute.LEASE_UNTIL_EPOCH_S]) == pytest.approx(begun_ms / 1_000 + 300, abs=2)
    job = engine.item("jobs", job_key=JOB)
    assert (job[JobAttribute.CALL_IDS], job[JobAttribute.TENANT]) == ({call["call_id"]}, "tenant-1")
    assert int(job[JobAttribute.EXPIRES_EPOCH_S]) == pytest.approx(accepted_ms / 1_000 + 86_400, abs=2)


@pytest.mark.parametrize("group", ["tenant-1", None])
def test_a_job_may_answer_several_calls_of_one_tenant(engine: "Engine", group: str | None) -> None:
    calls = [recorded(engine), recorded(engine)]
    for call in calls:
        run = dispatched(engine, {**call, "origin": {**CALL["origin"], "group": group}})
        assert run.states[-1] == "CallDispatched"
    job = engine.item("jobs", job_key=JOB)
    assert job[JobAttribute.CALL_IDS] == {call["call_id"] for call in calls}
    assert job[JobAttribute.TENANT] == (group or "")


def test_the_job_of_another_tenant_is_refused_and_stays_theirs(engine: "Engine") -> None:
    theirs = {JobAttribute.JOB_KEY.value: JOB, JobAttribute.TENANT.value: "tenant-2"}
    engine.put("jobs", **theirs)
    run = dispatched(engine, recorded(engine))
    assert run.states[-2:] == ["RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_ANSWER_UNREADABLE,
        "cause": "replicate answered with job 7, which belongs to another tenant",
    }
    assert engine.item("jobs", job_key=JOB) == theirs


def test_an_answer_that_is_parked_in_the_ledger_is_found_and_the_settler_hears_of_it(
    engine: "Engine",
) -> None:
    engine.put("jobs", **{JobAttribute.JOB_KEY.value: JOB, JobAttribute.ANSWER.value: "{}"})
    call = recorded(engine)
    run = dispatched(engine, call)
    assert run.states[-2:] == ["SettleCall", "CallDispatched"]
    heard = run.outputs["SettleCall"]["Payload"]["heard"]
    assert heard == {"call_id": call["call_id"], "vendor": "replicate", "job_id": "7"}
    assert engine.item("jobs", job_key=JOB)[JobAttribute.ANSWER] == "{}", "the answer stays where it is"


@pytest.mark.parametrize(
    "state", [state for state in CallState if state not in (CallState.QUEUED, CallState.SENDING, CallState.ACCEPTED)]
)
def test_a_call_that_is_elsewhere_is_left_alone(engine: "Engine", state: CallState) -> None:
    call = recorded(engine, state)
    run = dispatched(engine, call)
    assert run.states == [*FOUND, "CallDispatched"]
    assert state_of(engine, call) == state


@pytest.mark.parametrize("state", CallState)
def test_a_call_of_another_attempt_is_left_alone(engine: "Engine", state: CallState) -> None:
    call = recorded(engine, state, attempt="attempt-2", job_id="7")
    run = dispatched(engine, call)
    assert run.states == [*FOUND, "CallDispatched"]
    assert state_of(engine, call) == state


def test_a_call_without_a_record_ends_quietly(engine: "Engine") -> None:
    run = dispatched(engine, {**CALL, "call_id": f"call-{uuid.uuid4()}"})
    assert (run.status, run.states) == ("SUCCEEDED", [*FOUND, "CallDispatched"])


def test_a_job_that_the_vendor_has_already_is_handed_over_without_a_call(engine: "Engine") -> None:
    engine.put("jobs", **{JobAttribute.JOB_KEY.value: JOB, JobAttribute.ANSWER.value: "{}"})
    run = dispatched(engine, recorded(engine, CallState.ACCEPTED, job_id="7"))
    assert run.states == [*FOUND, "JoinCall", "RouteAnswer", "SettleCall", "CallDispatched"]


def test_a_call_that_another_run_is_sending_comes_again_when_the_lease_is_over(engine: "Engine") -> None:
    until_s = int(time.time()) + 60
    call = recorded(engine, CallState.SENDING, holder="another run", lease_until_epoch_s=until_s)
    run = dispatched(engine, call)
    assert run.states == [*FOUND, "RecoverCall", "CallDispatched"]
    heard = run.outputs["RecoverCall"]["Payload"]["heard"]
    assert heard == {"recover": call, "because": "another run is sending the call"}
    assert state_of(engine, call) == CallState.SENDING


def test_a_call_that_another_run_has_left_in_mid_submit_is_rejected_as_that(engine: "Engine") -> None:
    call = recorded(engine, CallState.SENDING, holder="another run", lease_until_epoch_s=1_700_000_000)
    run = dispatched(engine, call)
    assert run.states == [*FOUND, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.CALLER_CRASHED,
        "cause": "replicate: an execution broke off while it was sending; not repeated, a job could be doubled",
    }


def test_a_call_that_the_vendor_may_have_from_an_earlier_attempt_is_not_sent_again(engine: "Engine") -> None:
    call = recorded(engine, doubtful=True)
    run = dispatched(engine, call)
    assert run.states == [*FOUND, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_UNAVAILABLE,
        "cause": "replicate: an earlier submit was not answered clearly; not repeated, a job could be doubled",
    }
    assert state_of(engine, call) == CallState.QUEUED


@pytest.mark.parametrize(("holder", "goes_on"), [("run-1", True), ("run-2", False)])
def test_a_run_knows_its_own_begin_again_and_nobody_elses(engine: "Engine", holder: str, goes_on: bool) -> None:
    """Step Functions repeats a write whose response was lost; an execution that begins anew is another run."""
    name = f"run-{uuid.uuid4()}"
    machine = definition(MACHINE)
    assert "$millis()" in machine["States"]["PrepareCall"]["Assign"]["run"]
    machine["States"]["PrepareCall"]["Assign"]["run"] = "run-1"
    machine["States"]["CallVendor"] = {
        "Type": "Pass",
        "Output": {"job": {"id": 7}},
        "Next": machine["States"]["CallVendor"]["Next"],
    }
    engine.create(name, machine)
    call = recorded(engine, CallState.SENDING, holder=holder, lease_until_epoch_s=int(time.time()) + 60)
    run = engine.run(name, None, call)
    assert ("CallVendor" in run.states) is goes_on
    assert state_of(engine, call) == (CallState.ACCEPTED if goes_on else CallState.SENDING)


def test_the_settler_hears_the_call_and_why(engine: "Engine") -> None:
    call = recorded(engine)
    run = engine.run(MACHINE, "OnlyAThrottleScripted", call)
    assert run.output["heard"] == {"call": call, "error": "Vendor.Throttled", "cause": "replicate: HTTP 429"}
