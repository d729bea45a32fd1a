"""One call under the ledger's eye: whatever is delivered twice or breaks off, the vendor is called once."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from botocore.exceptions import ReadTimeoutError
from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput, CallOutcome, CallReport
from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import SENT_BY_NOBODY, Answer, Call, CallAttribute, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import of_another_attempt
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.turn import Turns, Unpaced
from headway_lane.messages.check import Check
from headway_lane.messages.claim import requests_folder
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import REQUEUE_S, RequestQueues
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.messages.trace_context import traceparent_of
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode, RetryLater
from headway_lane.vendor_api.submit import REFUSALS_BELIEVED

from tests.unit.headway_lane.fakes import (
    ASKING,
    CALL_ID,
    CALLBACK_URL,
    ORIGIN,
    TENANT,
    TOKEN,
    FakeS3,
    FakeSqs,
    FakeStepFunctions,
    FakeTurns,
    FakeVendor,
    RepeatingTable,
    Tables,
    WallClock,
    client_error,
    place_of,
    request_of,
    vendor_of,
)

REQUEST = CallInput(CALL_ID, request_of().attempt, place_of(), "invocation-1", {}, ORIGIN, None)
ANSWER = Answer("job-1", True, "succeeded", '{"id": "job-1"}')
ACCEPTED = CallReport(CallOutcome.ACCEPTED, job_id="job-1")
POLL = {
    "path": "/v1/jobs/{job_id}",
    "timeout_s": 5,
    "status": "status",
    "success": ["ok"],
    "after_s": 60,
    "every_s": 60,
}
FOUND = httpx.Response(200, json={"data": [{"id": "job-1"}]})
NOT_THERE = httpx.Response(200, json={"data": []})


class Crash(Exception):  # noqa: N818 - not an error of ours
    """The worker ends in mid-step."""


class Lane:
    """A caller with everything around it."""

    def __init__(self, ledger: Ledger, settler: Settler, clock: WallClock) -> None:
        self.ledger, self.settler, self.clock = ledger, settler, clock
        self.vendor = FakeVendor(httpx.Response(201, json={"id": "job-1"}))
        self.sqs, self.s3 = FakeSqs(), FakeS3()
        self.requests = RequestQueues(self.sqs.client())
        self.slept_s: list[float] = []
        self.ledger.enqueue(request_of(), TENANT, 3_600)

    def call(self, holder: str = "invocation-1", ambiguity: str = "reject", payload: Any = None) -> CallReport:
        keyed = {"submit.ambiguity": ambiguity, "submit.idempotency_header": "Idempotency-Key"}
        contract = vendor_of(ASKING if ambiguity == "ask" else keyed)
        return self.make(replace(REQUEST, holder=holder, payload=payload or {"text": "Grüße"}), contract)

    def make(
        self, request: CallInput, contract: Vendor, turns: Turns | None = None, poll_turns: Turns | None = None
    ) -> CallReport:
        """Make one call through a caller of its own."""
        out = WayOut(contract, self.vendor.proxy(), turns or Unpaced(), poll_turns or Unpaced(), CALLBACK_URL)
        back = WayBack(self.ledger, self.settler, self.s3.claims(), self.requests)
        now_s = self.clock.now_ms / 1_000
        return Caller(request, contract, lambda: out, back, epoch_s=lambda: now_s, sleep_s=self.slept_s.append).call()

    def when_the_lease_is_over(self) -> None:
        self.clock.now_ms += 1_000 * (vendor_of(ASKING).caller_timeout_s + 1)

    def asked(self) -> list[str]:
        """Return the methods of the vendor's requests, and forget them."""
        methods = [request.method for request in self.vendor.requests]
        self.vendor.requests.clear()
        return methods

    @property
    def state(self) -> CallState:
        call = self.ledger.find(CALL_ID)
        assert call is not None
        return call.state


@pytest.fixture
def lane(ledger: Ledger, settler: Settler, wall_clock: WallClock) -> Lane:
    return Lane(ledger, settler, wall_clock)


def test_an_accepted_call_is_mapped_and_restarts_the_heartbeat(lane: Lane, step_functions: FakeStepFunctions) -> None:
    assert lane.call() == ACCEPTED
    assert lane.state is CallState.ACCEPTED
    assert lane.ledger.calls_of_job("acme", "job-1") == (CALL_ID,)
    assert step_functions.sent == [("SendTaskHeartbeat", {"taskToken": TOKEN})] * 2, "before the call and after it"


def test_a_duplicate_delivery_does_not_call_the_vendor_again(lane: Lane) -> None:
    assert lane.call("invocation-1") == ACCEPTED
    assert lane.call("invocation-2") == ACCEPTED, "what the vendor has is handed over once more"
    assert len(lane.vendor.requests) == 1


def begun(lane: Lane, holder: str = "invocation-1", *, sending: bool = False) -> None:
    """Let another invocation take the call, and perhaps begin to send it."""
    attempt = request_of().attempt
    lane.ledger.begin(CALL_ID, attempt, holder, vendor_of(ASKING).caller_timeout_s)
    if sending:
        lane.ledger.send(CALL_ID, attempt, holder)


def test_a_call_that_another_invocation_has_not_sent_yet_is_taken_from_it(lane: Lane) -> None:
    begun(lane)
    assert lane.call("invocation-2") == ACCEPTED
    assert lane.ledger.send(CALL_ID, request_of().attempt, "invocation-1") is None, "the other must not send it now"


def test_who_is_overtaken_in_the_last_moment_does_not_call_the_vendor(lane: Lane) -> None:
    class Overtaking(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            begun(lane, "invocation-2")
            ready()

    assert lane.make(REQUEST, vendor_of(), Overtaking()) == CallReport(CallOutcome.DUPLICATE)
    assert lane.vendor.requests == []


@pytest.mark.parametrize("ambiguity", ["retry", "ask", "reject"])
def test_a_call_that_somebody_may_still_be_sending_comes_again_when_the_lease_is_over(
    lane: Lane, ambiguity: str
) -> None:
    begun(lane, sending=True)
    assert lane.call("invocation-2", ambiguity) == CallReport(CallOutcome.DUPLICATE)
    [again] = lane.sqs.of("SendMessage")
    assert again["DelaySeconds"] == vendor_of(ASKING).caller_timeout_s
    assert (lane.state, lane.vendor.requests) == (CallState.SENDING, [])


def test_a_call_that_nobody_knows_is_not_made(lane: Lane) -> None:
    request = replace(REQUEST, call_id="elsewhere")
    assert lane.make(request, vendor_of()) == CallReport(CallOutcome.DUPLICATE)
    assert lane.vendor.requests == []


def test_after_a_crash_in_mid_submit_the_call_is_given_up_where_a_doubled_job_does_harm(lane: Lane) -> None:
    lane.vendor.answers.insert(0, Crash())
    with pytest.raises(Crash):
        lane.call()
    lane.when_the_lease_is_over()
    report = lane.call("invocation-2")
    assert (report.outcome, report.error) == (CallOutcome.REJECTED, ErrorCode.CALLER_CRASHED)
    assert len(lane.vendor.requests) == 1


def test_after_a_crash_in_mid_submit_the_call_is_repeated_with_its_key_where_the_contract_allows_it(lane: Lane) -> None:
    lane.vendor.answers.insert(0, Crash())
    with pytest.raises(Crash):
        lane.call(ambiguity="retry")
    lane.when_the_lease_is_over()
    assert lane.call("invocation-2", "retry") == ACCEPTED
    assert [request.headers["idempotency-key"] for request in lane.vendor.requests] == [CALL_ID] * 2
    assert [request.headers["traceparent"] for request in lane.vendor.requests] == [traceparent_of(CALL_ID)] * 2


def test_after_a_crash_behind_the_acceptance_the_job_is_joined_without_a_second_submit(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(call: Call, job_id: str) -> Answer | None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(lane.ledger, "join_call", crash)
        with pytest.raises(Crash):
            lane.call()
    assert lane.state is CallState.ACCEPTED
    assert lane.call() == ACCEPTED
    assert lane.ledger.calls_of_job("acme", "job-1") == (CALL_ID,)
    assert len(lane.vendor.requests) == 1


def test_an_answer_that_came_before_its_job_id_is_settled_by_the_caller(
    lane: Lane, step_functions: FakeStepFunctions
) -> None:
    lane.ledger.join_answer("acme", ANSWER)
    assert lane.call() == ACCEPTED
    assert lane.state is CallState.RESUMED
    assert [name for name, _ in step_functions.sent] == ["SendTaskHeartbeat", "SendTaskSuccess"]


def test_an_early_answer_is_not_lost_where_the_caller_breaks_off_before_the_task_is_told(
    lane: Lane, step_functions: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.ledger.join_answer("acme", ANSWER)

    def crash(call_id: str, answer: Answer) -> None:
        lane.ledger.answer(call_id, answer.job_id)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(lane.settler, "settle", crash)
        with pytest.raises(Crash):
            lane.call()
    before = lane.state
    assert lane.call() == ACCEPTED
    assert (before, lane.state) == (CallState.ANSWERED, CallState.RESUMED)
    assert len(step_functions.of("SendTaskSuccess")) == 1
    assert len(lane.vendor.requests) == 1


def test_an_acceptance_after_the_task_has_ended_is_still_mapped(lane: Lane, step_functions: FakeStepFunctions) -> None:
    class Ending(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            ready()
            step_functions.end(TOKEN)

    assert lane.make(REQUEST, vendor_of(), Ending()) == ACCEPTED
    assert lane.ledger.calls_of_job("acme", "job-1") == (CALL_ID,)


def test_the_vendor_is_not_called_for_a_task_that_has_ended(lane: Lane, step_functions: FakeStepFunctions) -> None:
    step_functions.end(TOKEN)
    turns = FakeTurns()
    assert lane.make(REQUEST, vendor_of(), turns) == CallReport(
        CallOutcome.EXPIRED,
        error=ErrorCode.REQUEST_EXPIRED,
        cause="acme: the task had ended before the vendor was called",
    )
    assert (lane.vendor.requests, turns.told, lane.sqs.sent) == ([], ["take", "report"], [])
    assert lane.state is CallState.EXPIRED


@pytest.mark.parametrize(
    ("ambiguity", "doubtful", "left"),
    [("retry", False, [CALL_ID]), ("retry", True, []), ("ask", False, [CALL_ID]), ("ask", True, [CALL_ID])],
    ids=["clear", "doubtful", "clear, of who is asked", "doubtful, and asked for"],
)
def test_an_expired_call_gives_its_in_flight_permit_back_unless_the_vendor_may_have_its_job(
    ledger: Ledger,
    step_functions: FakeStepFunctions,
    wall_clock: WallClock,
    ambiguity: str,
    doubtful: bool,
    left: list[str],
) -> None:
    freed: list[str] = []
    settler = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: freed.append(call_id))
    lane = Lane(ledger, settler, wall_clock)
    begun_call = ledger.begin(CALL_ID, request_of().attempt, "invocation-1", 40)
    assert begun_call is not None
    ledger.release(begun_call, doubtful)
    step_functions.end(TOKEN)
    lane.vendor.answers = [NOT_THERE]
    assert lane.call("invocation-2", ambiguity).outcome is CallOutcome.EXPIRED
    assert freed == left
    assert "POST" not in lane.asked()


@pytest.mark.parametrize(("first", "doubtful"), [(httpx.Response(503), True), (httpx.Response(429), False)])
def test_a_task_that_ends_between_two_attempts_leaves_the_doubt_of_the_first(
    ledger: Ledger,
    step_functions: FakeStepFunctions,
    wall_clock: WallClock,
    first: httpx.Response,
    doubtful: bool,
) -> None:
    class Ending(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            if self.told:
                step_functions.end(TOKEN)
            super().take(ready)

    freed: list[str] = []
    settler = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: freed.append(call_id))
    lane = Lane(ledger, settler, wall_clock)
    lane.vendor.answers = [first, httpx.Response(201, json={"id": "job-2"})]
    keyed = {"submit.ambiguity": "retry", "submit.idempotency_header": "Idempotency-Key"}
    assert lane.make(REQUEST, vendor_of(keyed), Ending()).outcome is CallOutcome.EXPIRED
    assert (lane.asked(), lane.state, freed) == (["POST"], CallState.EXPIRED, [] if doubtful else [CALL_ID])
    call = ledger.find(CALL_ID)
    assert call is not None
    assert of_another_attempt(call, 0).doubtful is doubtful, "who comes next knows of it"


@pytest.mark.parametrize(
    "trouble", [client_error("SendTaskHeartbeat", "ThrottlingException"), ReadTimeoutError(endpoint_url="states")]
)
def test_a_call_is_made_where_nobody_can_say_whether_its_task_waits(
    lane: Lane, step_functions: FakeStepFunctions, trouble: Exception
) -> None:
    step_functions.errors.append(trouble)
    assert lane.call() == ACCEPTED


def test_a_call_is_made_where_the_response_to_its_beginning_was_lost(
    lane: Lane, tables: Tables, wall_clock: WallClock
) -> None:
    lane.ledger = Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock)
    assert lane.call() == ACCEPTED
    assert len(lane.vendor.requests) == 1


def test_a_deferred_call_is_requeued_where_the_response_to_its_release_was_lost(
    lane: Lane, tables: Tables, wall_clock: WallClock
) -> None:
    lane.vendor.answers = [httpx.Response(429, headers={"Retry-After": "60"})]
    lane.ledger = Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock)
    assert lane.call().outcome is CallOutcome.DEFERRED
    assert len(lane.sqs.of("SendMessage")) == 1


def test_a_throttled_call_goes_back_to_queued_with_the_vendors_wish(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(429, headers={"Retry-After": "3"})]
    report = lane.call()
    assert report == CallReport(
        CallOutcome.DEFERRED, error=ErrorCode.VENDOR_THROTTLED, cause="acme: HTTP 429", retry_after_s=3
    )
    assert lane.state is CallState.QUEUED
    assert set(lane.slept_s) == {3}


@pytest.mark.parametrize(
    ("ambiguity", "answer", "doubtful"),
    [
        ("retry", httpx.ReadTimeout("slow"), True),
        ("reject", httpx.Response(503), True),
        ("reject", httpx.Response(429, headers={"Retry-After": "60"}), None),
        ("reject", httpx.Response(400), None),
    ],
)
def test_a_report_says_where_nobody_knows_whether_the_vendor_has_the_job(
    lane: Lane, ambiguity: str, answer: Any, doubtful: bool | None
) -> None:
    lane.vendor.answers = [answer] * 20
    assert lane.call(ambiguity=ambiguity).doubtful is doubtful


@pytest.mark.parametrize(
    ("retry_after", "delay_s"), [("3", 3), ("5.2", 6), ("3600", LONGEST_REQUEUE_S), ("", REQUEUE_S)]
)
def test_a_deferred_call_waits_in_its_queue_as_it_came_for_as_long_as_the_vendor_asks(
    lane: Lane, retry_after: str, delay_s: int
) -> None:
    lane.vendor.answers = [httpx.Response(429, headers={"Retry-After": retry_after})]
    lane.call()
    heard_until_s = lane.clock.now_ms // 1_000 + vendor_of().call_heartbeat_s
    (message,) = lane.sqs.of("SendMessage")
    assert CallRequest.from_body(message["MessageBody"], "acme", TENANT) == request_of(ends_epoch_s=heard_until_s)
    assert "Grüße" in message["MessageBody"], "no longer than it came: SQS bounds its size"
    assert (message["QueueUrl"], message["DelaySeconds"]) == (ORIGIN.queue_url, delay_s)
    assert message["MessageGroupId"] == ORIGIN.group


def test_after_a_crash_between_the_ledger_and_the_queue_the_next_attempt_makes_the_call(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(429, headers={"Retry-After": "60"})]
    lane.sqs.errors.append(Crash())
    with pytest.raises(Crash):
        lane.call()
    assert (lane.state, lane.sqs.sent) == (CallState.QUEUED, [])
    lane.vendor.answers = [httpx.Response(201, json={"id": "job-1"})]
    assert lane.call() == ACCEPTED


def test_a_call_that_expires_while_its_vendor_is_busy_is_not_requeued(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.vendor.answers = [httpx.Response(429, headers={"Retry-After": "60"})]
    monkeypatch.setattr(lane.ledger, "release", lambda call, doubtful, **more: None)
    assert lane.call() == CallReport(CallOutcome.DUPLICATE)
    assert lane.sqs.sent == []


@pytest.mark.parametrize("state", sorted(set(CallState) - {*SENT_BY_NOBODY, CallState.SENDING}))
def test_a_message_that_comes_back_for_a_call_that_is_no_longer_queued_reaches_nobody(
    lane: Lane, tables: Tables, state: CallState
) -> None:
    tables.calls.update_item(
        Key={CallAttribute.CALL_ID: CALL_ID},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": CallAttribute.STATE},
        ExpressionAttributeValues={":state": state},
    )
    assert lane.call("invocation-2", "retry") == CallReport(CallOutcome.DUPLICATE)
    assert lane.vendor.requests == []


def test_of_two_messages_of_one_call_one_is_effective(lane: Lane) -> None:
    lane.vendor.answers.insert(0, httpx.Response(429, headers={"Retry-After": "60"}))
    lane.call("invocation-1")
    assert [lane.call("invocation-2"), lane.call("invocation-3")] == [ACCEPTED, ACCEPTED]
    assert len(lane.vendor.requests) == 2


def test_a_deferred_call_can_be_made_later_by_any_owner(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(429)]
    lane.call()
    lane.vendor.answers = [httpx.Response(201, json={"id": "job-1"})]
    assert lane.call("invocation-2") == ACCEPTED


def test_a_refused_call_is_reported_and_stays_as_sent_until_the_rejection(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(422, text="no such version")]
    assert lane.call() == CallReport(
        CallOutcome.REJECTED, error=ErrorCode.VENDOR_REJECTED, cause="acme answered HTTP 422: no such version"
    )
    assert lane.state is CallState.SENDING


def test_what_the_vendor_refuses_again_and_again_behind_a_doubt_is_rejected_and_does_not_go_round(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(503), httpx.Response(422, text="no such model")]
    outcomes = [lane.call(f"invocation-{turn}", "retry").outcome for turn in range(REFUSALS_BELIEVED)]
    assert outcomes == [CallOutcome.DEFERRED] * REFUSALS_BELIEVED
    last = lane.call("invocation-9", "retry")
    assert (last.outcome, last.error) == (CallOutcome.REJECTED, ErrorCode.VENDOR_REJECTED)
    assert lane.asked() == ["POST"] * (REFUSALS_BELIEVED + 2)


def test_another_doubt_between_refusals_lets_them_be_counted_anew(lane: Lane) -> None:
    refused = httpx.Response(409)
    lane.vendor.answers = [httpx.Response(503), refused]
    for turn in range(REFUSALS_BELIEVED):
        lane.call(f"invocation-{turn}", "retry")
    lane.vendor.answers = [httpx.Response(503), refused]
    assert lane.call("invocation-9", "retry").outcome is CallOutcome.DEFERRED
    found = lane.ledger.find(CALL_ID)
    assert found is not None
    assert (found.doubtful, found.refusals) == (True, 1)


def test_a_caller_that_dies_behind_refusals_leaves_a_doubt_of_its_own(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(503), httpx.Response(409)]
    for turn in range(REFUSALS_BELIEVED):
        lane.call(f"invocation-{turn}", "retry")
    begun(lane, "invocation-8", sending=True)  # the vendor takes it, and the caller is gone
    lane.when_the_lease_is_over()
    assert lane.call("invocation-9", "retry").outcome is CallOutcome.DEFERRED, "it has the job: that is why it refuses"


class UnreportedTurns(Unpaced):
    """Turns that cannot be written down at the end: the table throttles."""

    def report(self) -> None:
        raise client_error("PutItem", "ProvisionedThroughputExceededException")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(httpx.Response(422), CallOutcome.REJECTED), (httpx.Response(201, json={"id": "job-1"}), CallOutcome.ACCEPTED)],
)
def test_what_the_vendor_has_said_is_not_lost_for_turns_that_cannot_be_reported(
    lane: Lane, answer: httpx.Response, outcome: CallOutcome
) -> None:
    lane.vendor.answers = [answer]
    assert lane.make(replace(REQUEST, payload={"text": "Grüße"}), vendor_of(), UnreportedTurns()).outcome is outcome


def test_the_event_of_a_paced_call_has_its_permit_and_that_of_any_other_has_none() -> None:
    event: dict[str, Any] = {"format_version": 2, "call_id": CALL_ID, "attempt": REQUEST.attempt, "payload": {}}
    event["call"] = place_of().as_document()
    event["origin"] = {"queue_url": ORIGIN.queue_url, "group": ORIGIN.group}
    assert CallInput.from_event(event | {"permit": {}}, "invocation-1") == REQUEST
    permit = {"slot_us": 1_800_000_000_500_000, "number": 7, "generation": 2}
    assert CallInput.from_event(event | {"permit": permit}, "invocation-1") == replace(
        REQUEST, permit=Permit(slot_us=1_800_000_000_500_000, number=7, generation=2)
    )


def test_a_call_that_is_deferred_has_not_been_sent_where_its_turn_is_far_away(lane: Lane) -> None:
    class FarAway(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            raise RetryLater("the next free slot is far away", retry_after_s=15)

    assert lane.make(REQUEST, vendor_of(), FarAway()) == CallReport(
        CallOutcome.DEFERRED,
        error=ErrorCode.VENDOR_THROTTLED,
        cause="acme: the next free slot is far away",
        retry_after_s=15,
    )
    assert lane.state is CallState.QUEUED
    assert lane.vendor.requests == []


def test_floors_are_told_after_the_call_and_an_error_there_repeats_nothing_but_that(lane: Lane) -> None:
    class Broken(FakeTurns):
        def report(self) -> None:
            super().report()
            raise Crash

    def call(turns: FakeTurns) -> CallReport:
        return lane.make(REQUEST, vendor_of(), turns)

    broken, sound = Broken(), FakeTurns()
    with pytest.raises(Crash):
        call(broken)
    assert broken.told == ["take", "answered", "succeeded", "report"]
    assert lane.state is CallState.ACCEPTED
    assert call(sound) == ACCEPTED
    assert sound.told == []
    assert len(lane.vendor.requests) == 1


def test_a_report_carries_only_what_is_set() -> None:
    assert ACCEPTED.to_json() == {"outcome": "accepted", "job_id": "job-1"}
    deferred = CallReport(
        CallOutcome.DEFERRED, error=ErrorCode.VENDOR_THROTTLED, cause="acme: HTTP 429", retry_after_s=0
    )
    assert deferred.to_json() == {
        "outcome": "deferred",
        "error": "Vendor.Throttled",
        "cause": "acme: HTTP 429",
        "retry_after_s": 0,
    }


def test_a_payload_behind_a_claim_check_reaches_the_vendor_whole(lane: Lane) -> None:
    pointer = lane.s3.claims().keep(b'{"text": "all of it"}', requests_folder("acme"))
    assert lane.call(payload=pointer) == ACCEPTED
    assert lane.vendor.documents[0]["text"] == "all of it"


@pytest.mark.parametrize(
    ("body", "folder", "cause"),
    [
        (b"{}", requests_folder("globex"), "payload: `headway_claim` does not point into s3://claims/requests/acme/"),
        (b"[]", requests_folder("acme"), "payload: its claim check does not stand for an object"),
    ],
)
def test_a_claim_check_on_something_else_is_no_payload(lane: Lane, body: bytes, folder: str, cause: str) -> None:
    report = lane.call(payload=lane.s3.claims().keep(body, folder))
    assert (report.outcome, report.error, report.cause) == (
        CallOutcome.REJECTED,
        ErrorCode.REQUEST_MALFORMED,
        cause,
    )
    assert lane.vendor.requests == []


@pytest.mark.parametrize("ambiguity", ["retry", "ask", "reject"])
@pytest.mark.parametrize("broken", ["reach", "payload", "turn"])
def test_what_fails_before_the_socket_requeues_the_call_under_every_policy(
    lane: Lane, ambiguity: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Throttled(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            raise client_error("GetItem", "ProvisionedThroughputExceededException")

    def unreachable() -> WayOut:
        raise client_error("GetSecretValue", "ThrottlingException")

    contract = vendor_of(ASKING if ambiguity == "ask" else {"submit.ambiguity": ambiguity})
    back = WayBack(lane.ledger, lane.settler, lane.s3.claims(), lane.requests)
    out = WayOut(contract, lane.vendor.proxy(), Throttled() if broken == "turn" else Unpaced(), Unpaced(), CALLBACK_URL)
    payload = lane.s3.claims().keep(b"{}", requests_folder("acme")) if broken == "payload" else {}
    if broken == "payload":
        lane.s3.errors.append(client_error("GetObject", "SlowDown"))
    reach = unreachable if broken == "reach" else lambda: out
    request = replace(REQUEST, payload=dict(payload))
    report = Caller(request, contract, reach, back, epoch_s=lambda: 0, sleep_s=lane.slept_s.append).call()
    assert report.outcome is (CallOutcome.DEFERRED if broken == "turn" else CallOutcome.UNREADY)
    assert (lane.state, lane.vendor.requests) == (CallState.QUEUED, [])
    assert len(lane.sqs.of("SendMessage")) == 1


@pytest.mark.parametrize("ambiguity", ["retry", "ask", "reject"])
def test_a_connection_that_cannot_be_made_in_time_is_no_doubt(lane: Lane, tables: Tables, ambiguity: str) -> None:
    lane.vendor.answers = [httpx.ConnectTimeout("no handshake")]
    assert lane.call(ambiguity=ambiguity).outcome is CallOutcome.DEFERRED
    assert lane.state is CallState.QUEUED
    assert CallAttribute.DOUBTFUL not in tables.call()


def test_a_job_id_is_written_down_though_the_table_is_busy_for_a_while(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, busy = lane.ledger.accept, [client_error("UpdateItem", "ThrottlingException")] * 2

    def accept_at_last(*words: str) -> Call | None:
        if busy:
            raise busy.pop()
        return accept(*words)

    monkeypatch.setattr(lane.ledger, "accept", accept_at_last)
    assert lane.call() == ACCEPTED
    assert lane.state is CallState.ACCEPTED


def test_a_throttled_sign_of_life_does_not_cost_the_check_behind_it(
    lane: Lane, step_functions: FakeStepFunctions
) -> None:
    checks: list[Check] = []
    contract = vendor_of({"poll": POLL})
    lane.vendor.answers = [httpx.Response(201, json={"id": "job-1"})]
    step_functions.errors += [client_error("SendTaskHeartbeat", "ThrottlingException")] * 2
    out = WayOut(contract, lane.vendor.proxy(), Unpaced(), Unpaced(), CALLBACK_URL)
    noted = cast("ResultsQueue", SimpleNamespace(check=checks.append))
    back = WayBack(lane.ledger, lane.settler, lane.s3.claims(), lane.requests, noted)
    assert (
        Caller(REQUEST, contract, lambda: out, back, epoch_s=lambda: 0, sleep_s=lane.slept_s.append).call() == ACCEPTED
    )
    assert [check.job_id for check in checks] == ["job-1"]


def test_a_job_that_another_tenant_has_is_refused(lane: Lane) -> None:
    elsewhere = lane.ledger.enqueue(request_of("call-2", "token-2"), "tenant-2", 3_600)
    lane.ledger.join_call(elsewhere, "job-1")
    report = lane.call()
    assert (report.outcome, report.error) == (CallOutcome.REJECTED, ErrorCode.VENDOR_ANSWER_UNREADABLE)
    assert lane.state is CallState.REJECTED
    assert lane.ledger.calls_of_job("acme", "job-1") == (elsewhere.call_id,)


@pytest.mark.parametrize("answered", [False, True])
def test_another_attempt_takes_the_job_over_and_the_vendor_works_once(
    lane: Lane, step_functions: FakeStepFunctions, answered: bool
) -> None:
    lane.call()
    if answered:
        lane.ledger.join_answer("acme", ANSWER)
    step_functions.end(TOKEN)
    step_functions.waiting.add("token-2")
    second, found = request_of(token="token-2"), lane.ledger.find(CALL_ID)
    assert found is not None
    lane.ledger.take_over(found, second, of_another_attempt(found, 0), 3_600)
    again = replace(REQUEST, attempt=second.attempt, holder="invocation-2")
    assert lane.make(again, vendor_of()) == ACCEPTED
    assert len(lane.vendor.requests) == 1
    told = [(name, params["taskToken"]) for name, params in step_functions.sent if params["taskToken"] != TOKEN]
    assert told == [("SendTaskSuccess" if answered else "SendTaskHeartbeat", "token-2")]


def test_the_attempt_before_does_nothing_any_more(lane: Lane, step_functions: FakeStepFunctions) -> None:
    step_functions.end(TOKEN)
    step_functions.waiting.add("token-2")
    found = lane.ledger.find(CALL_ID)
    assert found is not None
    lane.ledger.take_over(found, request_of(token="token-2"), of_another_attempt(found, 0), 3_600)
    assert lane.call() == CallReport(CallOutcome.DUPLICATE)
    assert (lane.state, lane.vendor.requests) == (CallState.QUEUED, [])


def test_a_job_that_was_taken_behind_a_500_is_accepted_with_its_id_and_submitted_once(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(500), FOUND]
    assert lane.call(ambiguity="ask") == ACCEPTED
    assert lane.asked() == ["POST", "GET"]
    assert lane.ledger.calls_of_job("acme", "job-1") == (CALL_ID,)
    assert lane.state is CallState.ACCEPTED


def test_an_answer_that_came_while_its_job_was_in_doubt_is_settled(
    lane: Lane, step_functions: FakeStepFunctions
) -> None:
    lane.ledger.join_answer("acme", ANSWER)
    lane.vendor.answers = [httpx.ReadTimeout("slow"), FOUND]
    assert lane.call(ambiguity="ask") == ACCEPTED
    assert lane.state is CallState.RESUMED
    assert len(step_functions.of("SendTaskSuccess")) == 1


def test_a_call_that_is_deferred_in_doubt_is_asked_about_before_it_is_submitted_again(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(503, headers={"Retry-After": "60"})]
    report = lane.call("invocation-1", "ask")
    assert (report.outcome, report.retry_after_s, lane.asked()) == (CallOutcome.DEFERRED, 60, ["POST"])
    assert len(lane.sqs.of("SendMessage")) == 1
    lane.vendor.answers = [NOT_THERE, httpx.Response(201, json={"id": "job-1"})]
    assert lane.call("invocation-2", "ask") == ACCEPTED
    assert lane.asked() == ["GET", "POST"]


def test_as_long_as_nobody_knows_every_round_begins_with_the_question(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(500)]
    lane.call("invocation-1", "ask")
    lane.asked()
    lane.vendor.answers = [httpx.Response(503, headers={"Retry-After": "60"})]
    assert lane.call("invocation-2", "ask").outcome is CallOutcome.DEFERRED
    assert lane.asked() == ["GET"]
    lane.vendor.answers = [FOUND]
    assert lane.call("invocation-3", "ask") == ACCEPTED
    assert lane.asked() == ["GET"]


def test_a_doubt_that_is_resolved_is_forgotten(lane: Lane, tables: Tables) -> None:
    lane.vendor.answers = [httpx.Response(500)]
    lane.call("invocation-1", "ask")
    assert tables.call()[CallAttribute.DOUBTFUL] is True
    lane.vendor.answers = [NOT_THERE, httpx.Response(429, headers={"Retry-After": "60"})]
    assert lane.call("invocation-2", "ask").outcome is CallOutcome.DEFERRED
    assert CallAttribute.DOUBTFUL not in tables.call()
    lane.asked()
    lane.vendor.answers = [httpx.Response(201, json={"id": "job-1"})]
    assert lane.call("invocation-3", "ask") == ACCEPTED
    assert lane.asked() == ["POST"]


def test_a_doubt_is_noted_where_nobody_is_asked_too(lane: Lane, tables: Tables) -> None:
    lane.vendor.answers = [httpx.Response(503)]
    assert lane.call(ambiguity="retry").outcome is CallOutcome.DEFERRED
    assert tables.call()[CallAttribute.DOUBTFUL] is True


@pytest.mark.parametrize(
    ("answers", "methods"),
    [([FOUND], ["POST", "GET"]), ([NOT_THERE, httpx.Response(201, json={"id": "job-1"})], ["POST", "GET", "POST"])],
    ids=["taken", "not taken"],
)
def test_after_a_crash_in_mid_submit_the_vendor_is_asked_first(
    lane: Lane, answers: list[httpx.Response | Exception], methods: list[str]
) -> None:
    lane.vendor.answers = [Crash(), *answers]
    with pytest.raises(Crash):
        lane.call(ambiguity="ask")
    lane.when_the_lease_is_over()
    assert lane.call("invocation-2", "ask") == ACCEPTED
    assert lane.asked() == methods


def test_a_crash_while_a_call_in_doubt_is_requeued_leaves_the_doubt(lane: Lane) -> None:
    lane.vendor.answers = [httpx.Response(500)]
    lane.sqs.errors.append(Crash())
    with pytest.raises(Crash):
        lane.call(ambiguity="ask")
    lane.asked()
    lane.vendor.answers = [FOUND]
    assert lane.call(ambiguity="ask") == ACCEPTED
    assert lane.asked() == ["GET"]


def test_a_call_in_doubt_keeps_its_in_flight_permit_while_it_waits(
    ledger: Ledger, step_functions: FakeStepFunctions, wall_clock: WallClock
) -> None:
    left: list[str] = []
    settler = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: left.append(call_id))
    lane = Lane(ledger, settler, wall_clock)
    lane.vendor.answers = [httpx.Response(500)]
    lane.call("invocation-1", "ask")
    assert left == []
    lane.vendor.answers = [NOT_THERE, httpx.Response(429, headers={"Retry-After": "60"})]
    lane.call("invocation-2", "ask")
    assert left == [CALL_ID]


def test_a_lookup_takes_its_turn_from_the_polls_and_both_are_told_at_the_end(lane: Lane) -> None:
    submits, polls = FakeTurns(), FakeTurns()
    lane.vendor.answers = [httpx.Response(500), FOUND]
    assert lane.make(REQUEST, vendor_of(ASKING), submits, polls) == ACCEPTED
    assert submits.told == ["take", "answered", "failed", "report"]
    assert polls.told == ["take", "answered", "succeeded", "report"]
