"""`dispatch_call` (hops 5 to 7): every outcome of the caller, and a caller without one."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from headway_lane.caller.invocation import CallInput
from headway_lane.limiter.core.reservations import Permit
from headway_lane.messages.origin import Origin
from headway_lane.runtime.errors import ErrorCode

if TYPE_CHECKING:
    from tests.workflow.conftest import Engine

CALL = {
    "call_id": "call-1",
    "vendor": "replicate",
    "idempotency_key": "call-1",
    "payload": {"prompt": "a lighthouse"},
    "predecessor": "",
    "origin": asdict(Origin("https://sqs.eu-central-1.amazonaws.com/123456789012/urgent", "tenant-1")),
    "permit": asdict(Permit(slot_us=1_795_222_769_028_372, number=41, generation=2)),
}


@pytest.mark.parametrize("case", ["Accepted", "Duplicate", "Expired"])
def test_a_call_that_the_vendor_has_or_nobody_waits_for_is_done(engine: "Engine", case: str) -> None:
    run = engine.run("dispatch_call", case, CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == ["PrepareCall", "CallVendor", "RouteOutcome", "CallDispatched"]


def test_a_deferred_call_waits_in_the_queue_and_its_execution_is_over(engine: "Engine") -> None:
    run = engine.run("dispatch_call", "Deferred", CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == ["PrepareCall", "CallVendor", "RouteOutcome", "CallDispatched"]
    assert run.output["outcome"] == "deferred"


def test_a_rejected_call_is_rejected_with_the_callers_words(engine: "Engine") -> None:
    run = engine.run("dispatch_call", "Rejected", CALL)
    assert run.states == ["PrepareCall", "CallVendor", "RouteOutcome", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {"outcome": "rejected", "error": "Vendor.Rejected", "cause": "HTTP 422"}


def test_a_caller_that_crashes_in_every_attempt_rejects_the_call(engine: "Engine") -> None:
    run = engine.run("dispatch_call", "CallerCrashed", CALL)
    assert run.states == ["PrepareCall", "CallVendor", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.CALLER_CRASHED,
        "cause": "the caller function failed: Runtime.HandlerError",
    }


def test_a_rejection_that_cannot_be_done_is_seen_as_a_failed_execution(engine: "Engine") -> None:
    run = engine.run("dispatch_call", "RejectionBroken", CALL)
    assert run.states[-1] == "RejectCall"
    assert (run.status, run.error) == ("FAILED", "Runtime.HandlerError")


def test_the_caller_hears_the_call_and_who_holds_its_lease_and_the_settler_hears_why(engine: "Engine") -> None:
    arn = engine.start("dispatch_call", None, CALL)
    run = engine.end(arn)
    assert run.outputs["CallVendor"]["heard"] == {**CALL, "lease_owner": arn}
    assert run.output["heard"] == {"call": CALL, "error": "Echo.Rejected", "cause": "it only echoes"}


def test_a_call_in_a_format_of_later_comes_to_the_caller_whole_and_is_not_rejected(engine: "Engine") -> None:
    call = {**CALL, "format_version": 2, "deadline": {"epoch_s": 5}}
    run = engine.run("dispatch_call", None, call)
    assert run.outputs["CallVendor"]["heard"].items() >= call.items()
    assert engine.run("dispatch_call", "Newer", call).states[-1] == "CallDispatched"


@pytest.mark.parametrize("permit", [CALL["permit"], {}], ids=["permits", "plain pacing"])
def test_the_callers_permit_comes_through_to_the_microsecond_or_is_none(engine: "Engine", permit: Any) -> None:
    run = engine.run("dispatch_call", None, {**CALL, "permit": permit})
    heard = CallInput.from_event(run.outputs["CallVendor"]["heard"])
    assert heard.permit == (Permit(1_795_222_769_028_372, 41, 2) if permit else None)


def test_the_settler_hears_the_whole_call_after_a_crash_too(engine: "Engine") -> None:
    run = engine.run("dispatch_call", "OnlyTheCrashScripted", CALL)
    assert run.output["heard"]["call"] == CALL
    assert run.output["heard"]["error"] == ErrorCode.CALLER_CRASHED
