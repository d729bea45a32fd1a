"""`dispatch_call_direct`: the same hops without a function in between; only the proxy's answers are always scripted."""

import uuid
from http import HTTPStatus
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute, job_key, since_attribute
from headway_lane.messages.request import REQUEST
from headway_lane.runtime.errors import ErrorCode
from headway_lane.vendor_api.submit import DETAIL_LENGTH

from headway.testing.kit.interpreter import arn_of
from headway.testing.kit.run import WorkflowRun
from headway.testing.kit.workflow_test import WorkflowTest
from headway.testing.virtual_modules import US_PER_S
from headway.testing.virtual_threads import START_US
from tests.workflow.conftest import Machine
from tests.workflow.machines import definition

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
UPDATED: dict[str, Any] = {}
NOT_SO = ("DynamoDB.ConditionalCheckFailedException", "The conditional request failed")
DOWN = ("DynamoDB.InternalServerError", "Internal server error")
JOINED = {"Attributes": {"call_ids": {"SS": ["call-1"]}}}
NOW_S = START_US // US_PER_S
WRITE = TypeSerializer().serialize
READ = TypeDeserializer().deserialize


class Direct:
    """The machine, over a ledger in memory or over one that is scripted state by state."""

    def __init__(self, dynamodb: Any, machine: Machine, definition: Any = None) -> None:
        self.dynamodb = dynamodb
        self.test: WorkflowTest = machine(MACHINE, definition)
        self.test.state("CallVendor").returns({"StatusCode": 201, "ResponseBody": {"job": {"id": 7}}})
        for action in ("get_item", "update_item"):
            self.test.service(f"dynamodb:{action[:3]}{action[3:].replace('_i', 'I')}").runs(self._asking(action))

    def _asking(self, action: str) -> Any:
        return lambda arguments: getattr(self.dynamodb, action)(**arguments)

    def put(self, table: str, **attributes: str | int | bool | set[str]) -> None:
        self.dynamodb.put_item(TableName=table, Item={name: WRITE(value) for name, value in attributes.items()})

    def item(self, table: str, **key: str) -> dict[str, Any]:
        found = self.dynamodb.get_item(TableName=table, Key={name: {"S": value} for name, value in key.items()})
        return {name: READ(value) for name, value in found["Item"].items()}

    def run(self, call: dict[str, Any], **words: Any) -> WorkflowRun:
        for state, word in words.items():
            script = self.test.state(state)
            if isinstance(word, tuple):
                script.fails(*word)
            else:
                script.returns(word)
        return self.test.run(call)


@pytest.fixture
def direct(dynamodb: Any, machine: Machine) -> Direct:
    dynamodb.delete_item(TableName="jobs", Key={"job_key": {"S": JOB}})
    return Direct(dynamodb, machine)


def proxied(direct: Direct, *failure: str, **answer: Any) -> None:
    """Let the proxy do something else."""
    script = direct.test.state("CallVendor").forget()
    if failure:
        script.fails(*failure)
    else:
        script.returns(answer)


def recorded(direct: Direct, state: CallState = CallState.QUEUED, **more: str | int | bool) -> dict[str, Any]:
    """Put a call into the ledger, of the attempt of CALL, and return the input that the dispatcher makes of it."""
    call_id = f"call-{uuid.uuid4()}"
    record: dict[str, str | int | bool] = {
        CallAttribute.CALL_ID.value: call_id,
        CallAttribute.STATE.value: state.value,
        CallAttribute.ATTEMPT.value: "attempt-1",
    }
    direct.put("calls", **record | more)
    return {**CALL, "call_id": call_id}


def state_of(direct: Direct, call: dict[str, Any]) -> str:
    return str(direct.item("calls", call_id=call["call_id"])[CallAttribute.STATE])


def dispatched(direct: Direct, call: dict[str, Any]) -> WorkflowRun:
    return direct.run(call)


def test_an_accepted_call_is_joined_to_its_job_and_done(direct: Direct) -> None:
    run = direct.run(CALL, BeginCall=UPDATED, AcceptCall=UPDATED, JoinCall=JOINED)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"answered": False}


def test_an_answer_that_came_before_the_job_id_is_settled(direct: Direct) -> None:
    run = direct.run(
        CALL,
        BeginCall=UPDATED,
        AcceptCall=UPDATED,
        JoinCall={"Attributes": {**JOINED["Attributes"], "answer": {"S": "{}"}}},
        SettleCall={"settlement": "resumed"},
    )
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "SettleCall", "CallDispatched"]
    assert run.inputs["RouteAnswer"] == {"answered": True}


def test_a_call_that_moved_meanwhile_is_joined_to_its_job_all_the_same(direct: Direct) -> None:
    run = direct.run(CALL, BeginCall=UPDATED, AcceptCall=NOT_SO, JoinCall=JOINED)
    assert run.status == "SUCCEEDED"
    assert run.states == [*SUBMITTED, "AcceptCall", "JoinCall", "RouteAnswer", "CallDispatched"]


def test_a_call_that_is_throttled_to_the_end_is_rejected_as_such(direct: Direct) -> None:
    proxied(direct, "ApiGateway.429", "Too Many Requests")
    run = direct.run(CALL, BeginCall=UPDATED)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {"error": ErrorCode.VENDOR_THROTTLED, "cause": "replicate: HTTP 429"}


def test_a_call_that_is_refused_for_good_is_rejected_as_such_with_the_vendors_words(direct: Direct) -> None:
    proxied(direct, "ApiGateway.422", '{"detail": "no such paper"}')
    run = direct.run(CALL, BeginCall=UPDATED)
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


@pytest.mark.parametrize(("said", "cause"), [("502", "Bad Gateway"), ("409", "Conflict")])
def test_any_other_failure_rejects_the_call_and_says_that_it_was_not_repeated(
    direct: Direct, said: str, cause: str
) -> None:
    proxied(direct, f"ApiGateway.{said}", cause)
    run = direct.run(CALL, BeginCall=UPDATED)
    assert run.states == [*SUBMITTED, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_UNAVAILABLE,
        "cause": f"replicate: ApiGateway.{said}; not repeated, a job could be doubled",
    }


def test_an_answer_without_a_job_id_rejects_the_call_as_unreadable(direct: Direct) -> None:
    proxied(direct, StatusCode=200, ResponseBody={"queued": True})
    run = direct.run(CALL, BeginCall=UPDATED)
    assert run.states == [*SUBMITTED, "AcceptCall", "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"]["error"] == ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert run.inputs["RejectCall"]["cause"].startswith("replicate gave no job ID at `job.id`: ")


def test_a_ledger_that_is_down_at_the_begin_keeps_the_vendor_from_being_called_and_the_call_is_recovered(
    direct: Direct,
) -> None:
    run = direct.run(CALL, BeginCall=DOWN)
    assert (run.status, run.states) == ("SUCCEEDED", ["PrepareCall", "BeginCall", "RecoverCall", "CallDispatched"])
    assert run.inputs["RecoverCall"] == {"because": "DynamoDB.InternalServerError"}


def test_a_call_that_cannot_be_looked_at_is_seen_as_a_failed_execution(direct: Direct) -> None:
    run = direct.run(CALL, BeginCall=NOT_SO, FindCall=DOWN)
    assert run.states[-1] == "FindCall"
    assert (run.status, run.error) == ("FAILED", "DynamoDB.InternalServerError")


def test_the_ledger_has_the_call_sending_then_accepted_and_the_job_mapped_to_it(direct: Direct) -> None:
    call = recorded(direct)
    run = direct.run(call)
    arn = arn_of(f"execution:{MACHINE}:run-1")
    assert run.states[-1] == "CallDispatched"
    record = direct.item("calls", call_id=call["call_id"])
    assert record[CallAttribute.STATE] == CallState.ACCEPTED
    assert record[CallAttribute.JOB_ID] == "7"
    assert record[CallAttribute.HOLDER].startswith(f"{arn}#")
    begun_ms, accepted_ms = (int(record[since_attribute(state)]) for state in (CallState.SENDING, CallState.ACCEPTED))
    assert begun_ms <= accepted_ms
    assert int(record[CallAttribute.LEASE_UNTIL_EPOCH_S]) == pytest.approx(begun_ms / 1_000 + 300, abs=2)
    job = direct.item("jobs", job_key=JOB)
    assert (job[JobAttribute.CALL_IDS], job[JobAttribute.TENANT]) == ({call["call_id"]}, "tenant-1")
    assert int(job[JobAttribute.EXPIRES_EPOCH_S]) == pytest.approx(accepted_ms / 1_000 + 86_400, abs=2)


@pytest.mark.parametrize("group", ["tenant-1", None])
def test_a_job_may_answer_several_calls_of_one_tenant(direct: Direct, group: str | None) -> None:
    calls = [recorded(direct), recorded(direct)]
    for call in calls:
        run = dispatched(direct, {**call, "origin": {**CALL["origin"], "group": group}})
        assert run.states[-1] == "CallDispatched"
    job = direct.item("jobs", job_key=JOB)
    assert job[JobAttribute.CALL_IDS] == {call["call_id"] for call in calls}
    assert job[JobAttribute.TENANT] == (group or "")


def test_the_job_of_another_tenant_is_refused_and_stays_theirs(direct: Direct) -> None:
    theirs = {JobAttribute.JOB_KEY.value: JOB, JobAttribute.TENANT.value: "tenant-2"}
    direct.put("jobs", **theirs)
    run = dispatched(direct, recorded(direct))
    assert run.states[-2:] == ["RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_ANSWER_UNREADABLE,
        "cause": "replicate answered with job 7, which belongs to another tenant",
    }
    assert direct.item("jobs", job_key=JOB) == theirs


def test_an_answer_that_is_parked_in_the_ledger_is_found_and_the_settler_hears_of_it(
    direct: Direct,
) -> None:
    direct.put("jobs", **{JobAttribute.JOB_KEY.value: JOB, JobAttribute.ANSWER.value: "{}"})
    call = recorded(direct)
    run = dispatched(direct, call)
    assert run.states[-2:] == ["SettleCall", "CallDispatched"]
    heard = run.outputs["SettleCall"]["Payload"]["heard"]
    assert heard == {"call_id": call["call_id"], "vendor": "replicate", "job_id": "7"}
    assert direct.item("jobs", job_key=JOB)[JobAttribute.ANSWER] == "{}", "the answer stays where it is"


@pytest.mark.parametrize(
    "state", [state for state in CallState if state not in (CallState.QUEUED, CallState.SENDING, CallState.ACCEPTED)]
)
def test_a_call_that_is_elsewhere_is_left_alone(direct: Direct, state: CallState) -> None:
    call = recorded(direct, state)
    run = dispatched(direct, call)
    assert run.states == [*FOUND, "CallDispatched"]
    assert state_of(direct, call) == state


@pytest.mark.parametrize("state", CallState)
def test_a_call_of_another_attempt_is_left_alone(direct: Direct, state: CallState) -> None:
    call = recorded(direct, state, attempt="attempt-2", job_id="7")
    run = dispatched(direct, call)
    assert run.states == [*FOUND, "CallDispatched"]
    assert state_of(direct, call) == state


def test_a_call_without_a_record_ends_quietly(direct: Direct) -> None:
    run = dispatched(direct, {**CALL, "call_id": f"call-{uuid.uuid4()}"})
    assert (run.status, run.states) == ("SUCCEEDED", [*FOUND, "CallDispatched"])


def test_a_job_that_the_vendor_has_already_is_handed_over_without_a_call(direct: Direct) -> None:
    direct.put("jobs", **{JobAttribute.JOB_KEY.value: JOB, JobAttribute.ANSWER.value: "{}"})
    run = dispatched(direct, recorded(direct, CallState.ACCEPTED, job_id="7"))
    assert run.states == [*FOUND, "JoinCall", "RouteAnswer", "SettleCall", "CallDispatched"]


def test_a_call_that_another_run_is_sending_comes_again_when_the_lease_is_over(direct: Direct) -> None:
    until_s = NOW_S + 60
    call = recorded(direct, CallState.SENDING, holder="another run", lease_until_epoch_s=until_s)
    run = dispatched(direct, call)
    assert run.states == [*FOUND, "RecoverCall", "CallDispatched"]
    heard = run.outputs["RecoverCall"]["Payload"]["heard"]
    assert heard == {"recover": call, "because": "another run is sending the call"}
    assert state_of(direct, call) == CallState.SENDING


def test_a_call_that_another_run_has_left_in_mid_submit_is_rejected_as_that(direct: Direct) -> None:
    call = recorded(direct, CallState.SENDING, holder="another run", lease_until_epoch_s=1_700_000_000)
    run = dispatched(direct, call)
    assert run.states == [*FOUND, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.CALLER_CRASHED,
        "cause": "replicate: an execution broke off while it was sending; not repeated, a job could be doubled",
    }


def test_a_call_that_the_vendor_may_have_from_an_earlier_attempt_is_not_sent_again(direct: Direct) -> None:
    call = recorded(direct, doubtful=True)
    run = dispatched(direct, call)
    assert run.states == [*FOUND, "RejectCall", "CallDispatched"]
    assert run.inputs["RejectCall"] == {
        "error": ErrorCode.VENDOR_UNAVAILABLE,
        "cause": "replicate: an earlier submit was not answered clearly; not repeated, a job could be doubled",
    }
    assert state_of(direct, call) == CallState.QUEUED


@pytest.mark.parametrize(("holder", "goes_on"), [("run-1", True), ("run-2", False)])
def test_a_run_knows_its_own_begin_again_and_nobody_elses(
    dynamodb: Any, machine: Machine, holder: str, goes_on: bool
) -> None:
    """Step Functions repeats a write whose response was lost; an execution that begins anew is another run."""
    changed = definition(MACHINE)
    assert "$millis()" in changed["States"]["PrepareCall"]["Assign"]["run"]
    changed["States"]["PrepareCall"]["Assign"]["run"] = "run-1"
    direct = Direct(dynamodb, machine, changed)
    dynamodb.delete_item(TableName="jobs", Key={"job_key": {"S": JOB}})
    call = recorded(direct, CallState.SENDING, holder=holder, lease_until_epoch_s=NOW_S + 60)
    run = direct.run(call)
    assert ("CallVendor" in run.states) is goes_on
    assert state_of(direct, call) == (CallState.ACCEPTED if goes_on else CallState.SENDING)


def test_the_settler_hears_the_call_and_why(direct: Direct) -> None:
    call = recorded(direct)
    proxied(direct, "ApiGateway.429", "Too Many Requests")
    run = direct.run(call)
    assert run.output["heard"] == {"call": call, "error": "Vendor.Throttled", "cause": "replicate: HTTP 429"}
