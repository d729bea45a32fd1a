"""`dispatch_call` (hops 5 to 7): every outcome of the caller, and a caller that cannot be run."""

from dataclasses import asdict
from typing import Any

import pytest
from headway_lane.caller.invocation import CallInput, CallOutcome
from headway_lane.limiter.core.reservations import Permit
from headway_lane.messages.origin import Origin
from headway_lane.messages.request import REQUEST

from headway.testing.kit.workflow_test import WorkflowTest
from tests.workflow.conftest import Machine

CALL = {
    "format_version": REQUEST.version,
    "call_id": "call-1",
    "attempt": "attempt-1",
    "call": {"machine": "machine-1", "execution": "execution-1", "state": "CallVendor", "item": "3"},
    "vendor": "replicate",
    "payload": {"prompt": "a lighthouse"},
    "ends_epoch_s": 1_795_223_000,
    "origin": asdict(Origin("https://sqs.eu-central-1.amazonaws.com/123456789012/urgent", "tenant-1")),
    "permit": asdict(Permit(slot_us=1_795_222_769_028_372, number=41, generation=2)),
}


BROKEN = ("Runtime.HandlerError", '{"errorMessage": "KeyError"}')
THROTTLED = ("Lambda.TooManyRequestsException", "Rate Exceeded.")
REJECTED = {"outcome": "rejected", "error": "Vendor.Rejected", "cause": "HTTP 422"}


@pytest.fixture
def dispatch(machine: Machine) -> WorkflowTest:
    return machine("dispatch_call")


@pytest.mark.parametrize("outcome", [outcome for outcome in CallOutcome if outcome is not CallOutcome.REJECTED])
def test_a_call_that_the_vendor_has_that_waits_in_its_queue_or_that_nobody_waits_for_is_done(
    dispatch: WorkflowTest, outcome: CallOutcome
) -> None:
    dispatch.state("CallVendor").returns({"outcome": outcome.value})
    run = dispatch.run(CALL)
    assert run.status == "SUCCEEDED"
    assert run.states == ["PrepareCall", "CallVendor", "RouteOutcome", "CallDispatched"]
    assert run.output["outcome"] == outcome


def test_a_rejected_call_is_rejected_with_the_callers_words(dispatch: WorkflowTest) -> None:
    dispatch.state("CallVendor").returns(REJECTED)
    run = dispatch.run(CALL)
    assert run.states == ["PrepareCall", "CallVendor", "RouteOutcome", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == REJECTED


@pytest.mark.parametrize(("failure", "attempts"), [(BROKEN, 3), (THROTTLED, 21)])
def test_a_caller_that_cannot_be_run_rejects_nothing_and_its_call_is_recovered(
    dispatch: WorkflowTest, failure: tuple[str, str], attempts: int
) -> None:
    dispatch.state("CallVendor").fails(*failure)
    run = dispatch.run(CALL)
    assert (run.status, run.states) == ("SUCCEEDED", ["PrepareCall", "CallVendor", "RecoverCall", "CallDispatched"])
    assert run.inputs["RecoverCall"] == {"because": failure[0]}
    assert len(dispatch.state("CallVendor").calls) == attempts


def test_a_recovery_that_cannot_be_done_is_seen_as_a_failed_execution(dispatch: WorkflowTest) -> None:
    dispatch.state("CallVendor").fails(*BROKEN)
    dispatch.state("RecoverCall").fails(*BROKEN)
    run = dispatch.run(CALL)
    assert run.states[-1] == "RecoverCall"
    assert (run.status, run.error) == ("FAILED", BROKEN[0])


def test_a_rejection_that_cannot_be_done_is_seen_as_a_failed_execution(dispatch: WorkflowTest) -> None:
    dispatch.state("CallVendor").returns(REJECTED)
    dispatch.state("RejectCall").fails(*BROKEN)
    run = dispatch.run(CALL)
    assert run.states[-1] == "RejectCall"
    assert (run.status, run.error) == ("FAILED", BROKEN[0])


def test_the_caller_hears_the_call_as_it_came_and_the_settler_hears_why(dispatch: WorkflowTest) -> None:
    run = dispatch.run(CALL)
    assert run.outputs["CallVendor"]["heard"] == CALL
    assert run.output["heard"] == {"call": CALL, "error": "Echo.Rejected", "cause": "it only echoes"}


def test_a_call_in_a_format_of_later_comes_to_the_caller_whole(dispatch: WorkflowTest) -> None:
    call = {**CALL, "format_version": REQUEST.version + 1, "deadline": {"epoch_s": 5}}
    assert dispatch.run(call).outputs["CallVendor"]["heard"] == call


@pytest.mark.parametrize("permit", [CALL["permit"], {}], ids=["permits", "plain pacing"])
def test_the_callers_permit_comes_through_to_the_microsecond_or_is_none(dispatch: WorkflowTest, permit: Any) -> None:
    run = dispatch.run({**CALL, "permit": permit})
    heard = CallInput.from_event(run.outputs["CallVendor"]["heard"], "invocation-1")
    assert heard.permit == (Permit(1_795_222_769_028_372, 41, 2) if permit else None)


def test_the_settler_hears_what_a_recovery_takes(dispatch: WorkflowTest) -> None:
    dispatch.state("CallVendor").fails(*BROKEN)
    run = dispatch.run(CALL)
    assert run.output["Payload"]["heard"] == {"recover": CALL, "because": BROKEN[0]}
