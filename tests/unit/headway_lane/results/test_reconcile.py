"""Reconciling: a job whose callback never comes is settled all the same, and one whose callback comes, once."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput
from headway_lane.contract.exchange import Poll
from headway_lane.contract.limits import Scope
from headway_lane.contract.timing import LONGEST_REQUEUE_S
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.record import Answer, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.limiter.turn import Unpaced
from headway_lane.messages.check import Check
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.results_queue import ResultsQueue, read, write
from headway_lane.messages.waiter import Waiter
from headway_lane.results import handler
from headway_lane.results.reconcile import CheckOutcome, Reconciler
from headway_lane.resume.settlement import Settler
from headway_lane.runtime.errors import ErrorCode, Malformed, RetryLater
from headway_lane.vendor_api.job_status import JobFinding, Standing, ask

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, accepted, joined, queued
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    CALLBACK_URL,
    ORIGIN,
    TOKEN,
    FakeS3,
    FakeSqs,
    FakeStepFunctions,
    FakeTurns,
    FakeVendor,
    Tables,
    Worker,
    client_error,
    metrics,
    place_of,
    request_of,
    sqs_record,
    vendor_of,
)

POLL = {
    "path": "/v1/jobs/{job_id}",
    "timeout_s": 5,
    "status": "status",
    "success": ["succeeded"],
    "failure": ["failed"],
    "pending": ["running"],
    "after_s": 60,
    "every_s": 30,
}
CONTRACT = vendor_of({"poll": POLL, "waits.answer_s": 600})
QUEUE_URL = "https://sqs.example/results"
ACCEPTED_S = 1_800_000_000
CHECK = Check(CALL_ID, "job-1", ACCEPTED_S + 60, ACCEPTED_S + 600)
SUCCEEDED = JobFinding(Standing.SUCCEEDED, "succeeded")
FAILED = JobFinding(Standing.FAILED, "failed")
PENDING = JobFinding(Standing.PENDING, "running")
UNKNOWN = JobFinding(Standing.UNKNOWN, "404")


def poll_of(vendor: Vendor) -> Poll:
    assert vendor.poll is not None
    return vendor.poll


class Bench:
    """A reconciler in front of an accepted call; `finding` is what the vendor says, `now_s` when."""

    def __init__(self, ledger: Ledger, step_functions: FakeStepFunctions) -> None:
        self.ledger, self.step_functions = ledger, step_functions
        self.finding: JobFinding | Exception = SUCCEEDED
        self.now_s = ACCEPTED_S + 60
        self.left: list[str] = []
        self.asked_count = 0
        self.sqs = FakeSqs()
        self.settler = Settler(ledger, step_functions.waiters(), lambda vendor, call_id: self.left.append(call_id))
        self.checks = ResultsQueue(self.sqs.client(), QUEUE_URL, lambda: self.now_s)
        self.reconciler = Reconciler(
            CONTRACT, poll_of(CONTRACT), ledger, self.settler, self.checks, ask=self._ask, epoch_s=lambda: self.now_s
        )
        joined(ledger)

    def _ask(self, job_id: str) -> JobFinding:
        assert job_id == "job-1"
        self.asked_count += 1
        if isinstance(self.finding, Exception):
            raise self.finding
        return self.finding

    def callback(self) -> None:
        """Let the vendor's callback come after all: it says that the job failed."""
        answer = Answer("job-1", False, "failed", "{}")
        parked = self.ledger.join_answer("acme", answer)
        [call_id] = parked.call_ids
        self.settler.settle(call_id, parked.answer)

    @property
    def state(self) -> CallState:
        call = self.ledger.find(CALL_ID)
        assert call is not None
        return call.state

    @property
    def sent(self) -> list[str]:
        return [name for name, _ in self.step_functions.sent]

    @property
    def later(self) -> list[tuple[int, int]]:
        """Return the checks that were put into the queue: when they are due, and their delay."""
        found = [params for _, params in self.sqs.sent]
        assert all(params["QueueUrl"] == QUEUE_URL for params in found)
        return [(json.loads(params["MessageBody"])["due_epoch_s"], params["DelaySeconds"]) for params in found]


@pytest.fixture
def bench(ledger: Ledger, step_functions: FakeStepFunctions) -> Bench:
    return Bench(ledger, step_functions)


@pytest.mark.parametrize(
    ("finding", "operation"), [(SUCCEEDED, "SendTaskSuccess"), (FAILED, "SendTaskFailure")], ids=["success", "failure"]
)
def test_a_job_that_ended_unheard_settles_its_task_and_frees_its_in_flight_permit(
    bench: Bench, finding: JobFinding, operation: str
) -> None:
    bench.finding = finding
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.SETTLED
    assert (bench.sent, bench.state, bench.left) == ([operation], CallState.RESUMED, [CALL_ID])
    assert bench.later == [], "it is over"
    answer = bench.ledger.answer_of_job("acme", "job-1")
    assert answer == Answer("job-1", finding is SUCCEEDED, finding.status, "")


def test_a_callback_that_comes_after_the_poll_changes_nothing(bench: Bench) -> None:
    bench.reconciler.reconcile(CHECK)
    bench.callback()
    assert bench.sent == ["SendTaskSuccess"]
    assert bench.state is CallState.RESUMED


def test_a_job_whose_callback_came_is_not_asked_about(bench: Bench) -> None:
    bench.callback()
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.OVER
    assert (bench.asked_count, bench.sent, bench.later) == (0, ["SendTaskFailure"], [])


def test_a_callback_during_the_poll_has_the_first_word(bench: Bench) -> None:
    def ask_and_be_called(job_id: str) -> JobFinding:
        del job_id
        bench.callback()
        return SUCCEEDED

    vendor, poll = CONTRACT, poll_of(CONTRACT)
    reconciler = Reconciler(
        vendor,
        poll,
        bench.ledger,
        bench.settler,
        bench.checks,
        ask=ask_and_be_called,
        epoch_s=lambda: bench.now_s,
    )
    assert reconciler.reconcile(CHECK) is CheckOutcome.OVER
    assert bench.sent == ["SendTaskFailure"]


@pytest.mark.parametrize(("finding", "error"), [(SUCCEEDED, None), (FAILED, ErrorCode.VENDOR_JOB_FAILED)])
def test_the_vendors_word_on_a_job_that_was_called_off_is_asked_for_and_kept(
    bench: Bench, finding: JobFinding, error: ErrorCode | None
) -> None:
    bench.step_functions.end(TOKEN)
    call = bench.ledger.find(CALL_ID)
    assert call is not None
    assert bench.ledger.cancel(call) is not None
    bench.finding = finding
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.OVER
    found = bench.ledger.find(CALL_ID)
    assert found is not None
    assert (bench.asked_count, found.state, found.error) == (1, CallState.LATE, error)


def test_an_answer_that_was_stored_and_never_handed_over_is(bench: Bench) -> None:
    bench.ledger.join_answer("acme", Answer("job-1", False, "failed", "{}"))  # and there the function broke off
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.SETTLED
    assert (bench.asked_count, bench.sent) == (0, ["SendTaskFailure"])


def test_a_job_at_work_is_a_sign_of_life_and_is_asked_about_again(bench: Bench) -> None:
    bench.finding = PENDING
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.PENDING
    assert (bench.sent, bench.state) == (["SendTaskHeartbeat"], CallState.ACCEPTED)
    assert bench.later == [(bench.now_s + 30, 30)]


def test_a_vendor_that_does_not_answer_is_asked_again(bench: Bench) -> None:
    bench.finding = RetryLater("HTTP 503")
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.PENDING
    assert (bench.sent, bench.later) == ([], [(bench.now_s + 30, 30)])


def test_the_last_check_is_at_the_end_of_the_contracts_patience(bench: Bench) -> None:
    bench.finding, bench.now_s = PENDING, ACCEPTED_S + 590
    bench.reconciler.reconcile(CHECK)
    assert bench.later == [(ACCEPTED_S + 600, 10)]


@pytest.mark.parametrize(
    ("finding", "says"), [(PENDING, "says running"), (RetryLater("HTTP 503"), "gave no answer: HTTP 503")]
)
def test_a_job_that_never_ends_fails_its_task_with_a_name_before_the_timeout(
    bench: Bench, finding: JobFinding | Exception, says: str
) -> None:
    bench.finding, bench.now_s = finding, ACCEPTED_S + 600
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.LOST
    failure = dict(bench.step_functions.of("SendTaskFailure")[0])
    assert (failure["error"], failure["cause"]) == (
        ErrorCode.VENDOR_JOB_OVERDUE,
        f"acme did not end job job-1 within 600 s: it {says}",
    )
    assert (bench.state, bench.later, bench.left) == (CallState.REJECTED, [], []), "the vendor may still work on it"
    assert CONTRACT.waits.answer_s < CONTRACT.call_heartbeat_s < CONTRACT.call_timeout_s


def test_a_job_that_the_vendor_does_not_know_fails_its_task_at_once_and_frees_its_in_flight_permit(
    bench: Bench,
) -> None:
    bench.finding = UNKNOWN
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.LOST
    [failure] = bench.step_functions.of("SendTaskFailure")
    assert (failure["error"], failure["cause"]) == (
        ErrorCode.VENDOR_JOB_UNKNOWN,
        "acme does not know job job-1: HTTP 404",
    )
    assert (bench.state, bench.left) == (CallState.REJECTED, [CALL_ID])
    bench.callback()
    assert bench.sent == ["SendTaskFailure"], "a late answer is kept, and changes nothing"
    assert bench.ledger.answer_of_job("acme", "job-1") is not None


def test_a_giving_up_that_breaks_off_is_repeated(bench: Bench) -> None:
    bench.finding = UNKNOWN
    bench.step_functions.errors.append(ConnectionError("the function broke off"))
    with pytest.raises(ConnectionError):
        bench.reconciler.reconcile(CHECK)
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.LOST
    assert bench.sent == ["SendTaskFailure"]
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.OVER


@pytest.mark.parametrize("finding", [UNKNOWN, PENDING, FAILED])
def test_a_check_of_the_job_of_an_earlier_round_leaves_the_next_round_alone(bench: Bench, finding: JobFinding) -> None:
    bench.finding = UNKNOWN
    bench.reconciler.reconcile(CHECK)
    found, retry = bench.ledger.find(CALL_ID), request_of(token="token-of-a-retry")
    assert found is not None
    assert bench.ledger.take_over(found, retry, Succession(Next.DISPATCH, new_round=True), TTL_S)
    bench.ledger.begin(CALL_ID, retry.attempt, HOLDER, LEASE_S)
    bench.ledger.accept(CALL_ID, retry.attempt, "job-2")
    bench.step_functions.waiting.add(retry.waiter)
    bench.finding = finding
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.OVER
    assert (bench.sent, bench.state) == (["SendTaskFailure"], CallState.ACCEPTED)


@pytest.mark.parametrize("ahead_s", [1, 500, 5_000])
def test_what_is_not_due_waits_on_for_as_long_as_a_queue_can(bench: Bench, ahead_s: int) -> None:
    check = Check(CALL_ID, "job-1", bench.now_s + ahead_s, bench.now_s + ahead_s)
    assert bench.reconciler.reconcile(check) is CheckOutcome.WAITING
    assert (bench.asked_count, bench.later) == (0, [(check.due_epoch_s, min(ahead_s, LONGEST_REQUEUE_S))])


def test_a_call_that_the_ledger_does_not_know_is_over(bench: Bench) -> None:
    assert bench.reconciler.reconcile(Check("call-9", "job-9", 0, 0)) is CheckOutcome.OVER


def test_the_first_check_is_not_after_the_last() -> None:
    vendor = vendor_of({"poll": POLL, "waits.answer_s": 60})
    check = Check.first(vendor, poll_of(vendor), CALL_ID, "job-1", ACCEPTED_S)
    assert check == Check(CALL_ID, "job-1", ACCEPTED_S + 60, ACCEPTED_S + 60)


@pytest.mark.parametrize("body", ["", "{", "[]", "[" * 100_000, "1", "{}", '{"call_id": CALL_ID}', '{"more": 1}'])
def test_a_message_that_is_no_check_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        read(body)


def asked(poll: dict[str, Any], *answers: httpx.Response | Exception) -> tuple[JobFinding, FakeVendor, FakeTurns]:
    vendor, turns = FakeVendor(*answers), FakeTurns()
    return ask(vendor.proxy(), Poll.from_document(poll), "a/b", turns), vendor, turns


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (httpx.Response(200, json={"status": "succeeded"}), Standing.SUCCEEDED),
        (httpx.Response(200, json={"status": "failed"}), Standing.FAILED),
        (httpx.Response(200, json={"status": "running"}), Standing.PENDING),
        (httpx.Response(404), Standing.UNKNOWN),
        (httpx.Response(410, json={"status": "succeeded"}), Standing.UNKNOWN),
    ],
)
def test_a_job_is_asked_about_with_one_request_that_takes_a_turn(answer: httpx.Response, standing: Standing) -> None:
    finding, vendor, turns = asked(POLL, answer)
    assert finding.standing is standing
    [request] = vendor.requests
    assert (request.method, request.url.raw_path) == ("GET", b"/live/v1/jobs/a%2Fb")
    assert turns.told[:2] == ["take", "answered"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"status": "exploded"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="<html>"),
        httpx.Response(401, json={"status": "succeeded"}),
        httpx.Response(429),
        httpx.Response(503),
        httpx.ReadTimeout("slow"),
    ],
)
def test_an_answer_that_says_nothing_is_asked_for_again(answer: httpx.Response | Exception) -> None:
    with pytest.raises(RetryLater):
        asked(POLL, answer)


def test_an_http_status_may_be_the_whole_answer() -> None:
    head = {**POLL, "method": "HEAD", "success": ["201"], "failure": ["409"], "pending": ["200"]}
    del head["status"]
    codes = {201: Standing.SUCCEEDED, 409: Standing.FAILED, 200: Standing.PENDING, 404: Standing.UNKNOWN}
    for code, standing in codes.items():
        finding, vendor, _ = asked(head, httpx.Response(code))
        assert (finding.standing, vendor.requests[0].method) == (standing, "HEAD")


def test_an_accepted_call_leaves_a_check_and_a_repeat_that_finds_its_answer_does_not(
    ledger: Ledger, settler: Settler
) -> None:
    queued(ledger)
    sqs, vendor = FakeSqs(), FakeVendor(httpx.Response(201, json={"id": "job-1"}))
    checks = ResultsQueue(sqs.client(), QUEUE_URL, lambda: 0)

    def call(owner: str) -> None:
        request = CallInput(CALL_ID, request_of().attempt, place_of(), owner, {}, ORIGIN, None)
        out = WayOut(CONTRACT, vendor.proxy(), Unpaced(), Unpaced(), CALLBACK_URL)
        back = WayBack(ledger, settler, FakeS3().claims(), RequestQueues(sqs.client()), checks)
        Caller(request, CONTRACT, lambda: out, back, epoch_s=lambda: ACCEPTED_S, sleep_s=lambda _: None).call()

    call(HOLDER)
    [(_, params)] = sqs.sent
    assert {name: json.loads(params["MessageBody"])[name] for name in ("call_id", "job_id")} == {
        "call_id": CALL_ID,
        "job_id": "job-1",
    }
    ledger.join_answer("acme", Answer("job-1", True, "succeeded", "{}"))
    call(HOLDER)
    assert len(sqs.sent) == 1


def test_the_function_makes_a_batch_of_checks_and_counts_them(
    worker: Worker, tables: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del tables
    worker.profiles.contract = CONTRACT
    worker.vendor.answers = [httpx.Response(200, json={"status": "succeeded"})]
    accepted(worker.ledger)
    body = json.dumps({"call_id": CALL_ID, "job_id": "job-1", "due_epoch_s": 0, "until_epoch_s": 0})
    event = {"Records": [sqs_record(body, "m1"), sqs_record("{", "m2")]}
    assert handler.find(event, LambdaContext())["batchItemFailures"] == [{"itemIdentifier": "m2"}]
    assert [params["taskToken"] for params in worker.step_functions.of("SendTaskSuccess")] == [TOKEN]
    assert metrics(capsys.readouterr().out)["ChecksSettled"] == [1.0]
    assert CONTRACT.budget_scope(Scope.POLL) is Scope.POLL


def test_a_batch_may_hold_checks_and_fetches_and_each_is_taken_by_itself(worker: Worker) -> None:
    worker.profiles.contract = CONTRACT
    worker.vendor.answers = [httpx.Response(200, json={"status": "succeeded"})]
    worker.step_functions.waiting.add("token-2")
    accepted(worker.ledger)
    due, fetch = replace(CHECK, due_epoch_s=0), Fetch("call-2", "job-2", "succeeded", Waiter("token-2"))
    bodies = {"m1": write(due), "m2": "[", "m3": write(fetch)}
    event = {"Records": [sqs_record(body, message_id) for message_id, body in bodies.items()]}
    assert handler.find(event, LambdaContext())["batchItemFailures"] == [{"itemIdentifier": "m2"}]
    assert [params["taskToken"] for params in worker.step_functions.of("SendTaskSuccess")] == [TOKEN, "token-2"]


def test_checks_of_a_vendor_that_cannot_be_polled_any_more_come_back_with_the_reason(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert worker.profiles.contract.poll is None
    response = handler.find({"Records": [sqs_record(write(CHECK)), sqs_record("{}", "m2")]}, LambdaContext())
    assert [item["itemIdentifier"] for item in response["batchItemFailures"]] == ["m1", "m2"]
    assert "acme cannot be polled any more: its contract has lost `poll`" in capsys.readouterr().out


def test_a_heartbeat_that_is_throttled_does_not_cost_the_check(bench: Bench) -> None:
    bench.finding = PENDING
    bench.step_functions.errors.append(client_error("SendTaskHeartbeat", "ThrottlingException"))
    assert bench.reconciler.reconcile(CHECK) is CheckOutcome.PENDING
    assert bench.later == [(bench.now_s + 30, 30)]
