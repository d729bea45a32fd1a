"""Calling off: what a stopped execution has left at the vendor ends there, and nothing that anybody waits for."""

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.ledger.executions import calls_of
from headway_lane.ledger.record import Answer, Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession, of_another_attempt
from headway_lane.messages.cancel import Cancellation, Stop
from headway_lane.messages.request_queue import REQUEUE_S
from headway_lane.messages.results_queue import ResultsMessage, ResultsQueue, read, write
from headway_lane.results import handler
from headway_lane.results.cancelling import SEARCHES_S, Canceller, CancelOutcome, StopOutcome
from headway_lane.resume.settlement import Settlement, Settler
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.runtime.names import CANCEL_PREFIX, CREDENTIAL_HEADER
from headway_lane.vendor_api.calling_off import call_off

from tests.unit.headway_lane.calls import TTL_S, accepted, dispatching, joined, queued, sending
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    TOKEN,
    VENDOR_DOCUMENT,
    FakeSqs,
    FakeStepFunctions,
    FakeTurns,
    FakeVendor,
    Tables,
    WallClock,
    Worker,
    client_error,
    metrics,
    place_of,
    request_of,
    sqs_record,
    vendor_of,
)

QUEUE_URL = "https://sqs.example/results"
NOW_S = 1_800_000_000
ANSWER_S = 900
UNTIL_S = NOW_S + ANSWER_S
EXECUTION = place_of().execution
CONTRACT = {"cancel": {"path": "/v1/jobs/{job_id}/cancel", "timeout_s": 5}}
POLLS = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}
ASKED = Cancellation(CALL_ID, request_of().attempt, UNTIL_S)
LEASE_S = 50

TAKES_THE_ANSWER = Succession(Next.JOIN, after=CallState.ACCEPTED)


class Bench:
    """A canceller in front of the ledger and a task that has ended; `says` is the vendor's answer, or an error."""

    def __init__(self, tables: Tables, ledger: Ledger, clock: WallClock) -> None:
        self.ledger, self.clock = ledger, clock
        clock.now_ms = NOW_S * 1_000
        self.says: bool | BaseException = True
        self.told: list[str] = []
        self.released: list[str] = []
        self.sqs, self.step_functions = FakeSqs(), FakeStepFunctions()
        self.settler = Settler(
            ledger, self.step_functions.waiters(), lambda vendor, call_id: self.released.append(call_id)
        )
        self.canceller = Canceller(
            ledger,
            self.settler,
            ResultsQueue(self.sqs.client(), QUEUE_URL, lambda: self.now_s),
            calls_of=partial(calls_of, tables.calls),
            call_off=self._call_off,
            answer_s=ANSWER_S,
            lease_s=LEASE_S,
            spread=lambda: 1.0,
            epoch_s=lambda: self.now_s,
        )

    def _call_off(self, job_id: str) -> bool:
        self.told.append(job_id)
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says

    @property
    def now_s(self) -> int:
        return self.clock.now_ms // 1_000

    def wait(self, duration_s: int) -> None:
        self.clock.now_ms += duration_s * 1_000

    @property
    def state(self) -> CallState:
        return self.call.state

    @property
    def call(self) -> Call:
        call = self.ledger.find(CALL_ID)
        assert call is not None
        return call

    @property
    def later(self) -> list[tuple[ResultsMessage, int]]:
        return [(read(params["MessageBody"]), params["DelaySeconds"]) for _, params in self.sqs.sent]


@pytest.fixture
def bench(tables: Tables, ledger: Ledger, wall_clock: WallClock) -> Bench:
    return Bench(tables, ledger, wall_clock)


# Searches.


@pytest.mark.parametrize(
    ("bring", "asks"),
    [(queued, False), (dispatching, False), (sending, True), (accepted, True)],
    ids=["queued", "dispatching", "sending", "accepted"],
)
def test_a_search_asks_for_what_the_vendor_may_have(bench: Bench, bring: Any, asks: bool) -> None:
    bring(bench.ledger)
    assert bench.canceller.search(Stop(EXECUTION)) is (StopOutcome.PENDING if asks else StopOutcome.OVER)
    cancels = [message for message, _ in bench.later if isinstance(message, Cancellation)]
    assert cancels == ([ASKED] if asks else [])


def test_a_search_leaves_alone_what_is_over_and_what_another_execution_asked_for(bench: Bench) -> None:
    joined(bench.ledger, request_of("another"))
    joined(bench.ledger, job_id="job-2")
    bench.settler.settle(CALL_ID, Answer("job-2", True, "done", "{}"))
    assert bench.canceller.search(Stop(EXECUTION)) is StopOutcome.OVER


def test_calls_are_searched_again_for_who_was_on_the_way_and_then_no_more(bench: Bench) -> None:
    accepted(bench.ledger)
    delays, stop = [], Stop(EXECUTION)
    while stop:
        bench.sqs.sent.clear()
        bench.canceller.search(stop)
        again = [(message, delay_s) for message, delay_s in bench.later if isinstance(message, Stop)]
        delays += [delay_s for _, delay_s in again]
        stop = again[0][0] if again else None  # type: ignore[assignment]
    assert delays == [SEARCHES_S[1] - SEARCHES_S[0], SEARCHES_S[2] - SEARCHES_S[1]]


def test_an_execution_without_calls_is_searched_once_more_only(bench: Bench) -> None:
    bench.canceller.search(Stop(EXECUTION))
    assert bench.later == [(Stop(EXECUTION, search=1), SEARCHES_S[1])], "the index may lag behind"
    bench.sqs.sent.clear()
    bench.canceller.search(Stop(EXECUTION, search=1))
    assert bench.later == []


def test_a_map_of_many_items_is_searched_page_by_page(
    bench: Bench, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway_lane.ledger.executions.PAGE_COUNT", 3)
    for item in range(8):
        place = place_of()
        tables.calls.put_item(Item={"call_id": f"call-{item}", "execution": place.execution})
    pages: list[Sequence[str]] = []
    after = ""
    while not pages or after:
        page, after = calls_of(tables.calls, EXECUTION, after)
        pages.append(page)
    assert [len(page) for page in pages] == [3, 3, 2]
    assert sorted(call_id for page in pages for call_id in page) == [f"call-{item}" for item in range(8)]


def test_each_page_goes_on_behind_the_one_before_and_only_the_first_asks_for_another_search(bench: Bench) -> None:
    pages = {"": (["a"], "a"), "a": (["b"], "")}
    bench.canceller._calls_of = lambda execution, after: pages[after]
    bench.canceller.search(Stop(EXECUTION))
    assert [message for message, _ in bench.later] == [Stop(EXECUTION, 0, "a"), Stop(EXECUTION, 1)]
    bench.sqs.sent.clear()
    bench.canceller.search(Stop(EXECUTION, 0, "a"))
    assert bench.later == []


# Cancels.


def test_a_job_that_nobody_waits_for_is_called_off_and_its_in_flight_permit_freed(bench: Bench) -> None:
    joined(bench.ledger)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.CANCELLED
    assert (bench.told, bench.state, bench.released) == (["job-1"], CallState.CANCELLED, [CALL_ID])


def test_a_cancel_that_comes_twice_tells_the_vendor_once(bench: Bench) -> None:
    joined(bench.ledger)
    bench.canceller.cancel(ASKED)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert bench.told == ["job-1"]
    assert bench.released == [CALL_ID, CALL_ID], "the first may have broken off before it"


def test_a_job_that_a_redriven_task_waits_for_is_left_alone(bench: Bench) -> None:
    joined(bench.ledger)
    bench.step_functions.waiting.add(TOKEN)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert (bench.told, bench.state) == ([], CallState.ACCEPTED)


def test_a_job_that_answers_another_call_too_is_left_alone(bench: Bench) -> None:
    joined(bench.ledger)
    joined(bench.ledger, request_of("another", "token-2"))
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert bench.told == []


@pytest.mark.parametrize("bring", [queued, dispatching, sending], ids=["queued", "dispatching", "sending"])
def test_what_has_no_job_yet_is_left_to_the_next_search(bench: Bench, bring: Any) -> None:
    bring(bench.ledger)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert (bench.told, bench.later) == ([], [])


def test_a_job_that_the_vendor_does_not_call_off_keeps_its_answer_for_a_redrive(bench: Bench) -> None:
    joined(bench.ledger)
    bench.says = False
    assert bench.canceller.cancel(ASKED) is CancelOutcome.REFUSED
    assert (bench.state, bench.released) == (CallState.ACCEPTED, [])


def test_a_cancel_waits_for_a_vendor_that_does_not_answer_and_no_longer_than_the_job_may_take(bench: Bench) -> None:
    joined(bench.ledger)
    bench.says = RetryLater("HTTP 429", 40)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.REQUEUED
    bench.says = RetryLater("the next free slot is far away")
    assert bench.canceller.cancel(ASKED.again()) is CancelOutcome.REQUEUED
    assert bench.later == [(ASKED.again(), 40), (ASKED.again().again(), REQUEUE_S << 1)]
    bench.wait(ANSWER_S)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert (len(bench.later), bench.state) == (2, CallState.ACCEPTED)


def test_a_doubt_is_not_told_again_before_whoever_told_is_dead_for_sure(bench: Bench) -> None:
    joined(bench.ledger)
    bench.says = InDoubt("no answer")
    assert bench.canceller.cancel(ASKED) is CancelOutcome.REQUEUED
    assert bench.later == [(ASKED.again(), LEASE_S)]


def test_of_two_cancels_at_once_one_tells_the_vendor_and_the_other_takes_that_for_no_doubt(bench: Bench) -> None:
    joined(bench.ledger)
    others: list[CancelOutcome] = []

    def in_the_middle(job_id: str) -> bool:
        bench.told.append(job_id)
        if len(bench.told) == 1:
            others.append(bench.canceller.cancel(ASKED))
        return False  # it has ended

    bench.canceller._call_off = in_the_middle
    assert bench.canceller.cancel(ASKED) is CancelOutcome.REFUSED
    assert (others, bench.later, bench.told) == ([CancelOutcome.REQUEUED], [(ASKED.again(), LEASE_S)], ["job-1"])
    bench.wait(LEASE_S)
    assert bench.canceller.cancel(ASKED.again()) is CancelOutcome.REFUSED
    assert (bench.state, bench.released) == (CallState.ACCEPTED, [])


@pytest.mark.parametrize("first", [InDoubt("no answer"), KeyboardInterrupt()], ids=["no answer", "killed"])
def test_a_refusal_behind_a_cancel_whose_end_nobody_knows_says_that_it_was_taken(
    bench: Bench, first: BaseException
) -> None:
    joined(bench.ledger)
    bench.says = first
    with suppress(KeyboardInterrupt):
        bench.canceller.cancel(ASKED)
    assert bench.call.cancelling_until_epoch_s == NOW_S + LEASE_S
    bench.says = False
    bench.wait(LEASE_S)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.CANCELLED
    assert (bench.state, bench.released, bench.call.cancelling_until_epoch_s) == (CallState.CANCELLED, [CALL_ID], 0)


@pytest.mark.parametrize("first", [False, RetryLater("HTTP 429")], ids=["refused", "too many"])
def test_a_refusal_behind_a_cancel_that_was_not_taken_is_one(bench: Bench, first: bool | Exception) -> None:
    joined(bench.ledger)
    bench.says = first
    bench.canceller.cancel(ASKED)
    assert bench.call.cancelling_until_epoch_s == 0
    bench.says = False
    assert bench.canceller.cancel(ASKED) is CancelOutcome.REFUSED


def test_a_cancel_leaves_the_time_of_the_acceptance_as_it_was(
    bench: Bench, tables: Tables, wall_clock: WallClock
) -> None:
    joined(bench.ledger)
    before = tables.call()["accepted_epoch_ms"]
    wall_clock.now_ms += 60_000
    bench.canceller.cancel(ASKED)
    assert tables.call()["accepted_epoch_ms"] == before


def test_a_job_whose_call_is_not_joined_yet_is_called_off_too(bench: Bench) -> None:
    accepted(bench.ledger)
    assert bench.canceller.cancel(ASKED) is CancelOutcome.CANCELLED


def test_a_task_that_cannot_be_asked_is_asked_again_before_anything_is_called_off(bench: Bench) -> None:
    joined(bench.ledger)
    bench.step_functions.errors.append(client_error("SendTaskHeartbeat", "ThrottlingException"))
    with pytest.raises(Exception, match="ThrottlingException"):
        bench.canceller.cancel(ASKED)
    assert bench.told == []


def test_a_redrive_in_the_moment_of_the_cancel_is_another_job_and_keeps_its_record(
    bench: Bench, ledger: Ledger
) -> None:
    joined(ledger)
    again = request_of(token="token-of-a-redrive")

    def redriven(job_id: str) -> bool:
        del job_id
        follows = of_another_attempt(bench.call, NOW_S)
        assert follows.new_round
        assert ledger.take_over(bench.call, again, follows, TTL_S)
        return True

    bench.canceller._call_off = redriven
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER
    assert (bench.state, bench.call.attempt, bench.released) == (CallState.QUEUED, again.attempt, [])
    assert bench.canceller.cancel(ASKED) is CancelOutcome.OVER, "it was for the attempt before"


@pytest.mark.parametrize(
    ("succeeded", "follows"), [(False, Succession(Next.DISPATCH, new_round=True)), (True, TAKES_THE_ANSWER)]
)
def test_the_vendors_word_on_a_job_that_was_called_off_counts_for_the_next_attempt(
    bench: Bench, succeeded: bool, follows: Succession
) -> None:
    joined(bench.ledger)
    bench.canceller.cancel(ASKED)
    settlement = bench.settler.settle(CALL_ID, Answer("job-1", succeeded, "ended", "{}"))
    assert (settlement, bench.state) == (Settlement.LATE, CallState.LATE)
    assert bench.step_functions.sent == []
    assert of_another_attempt(bench.call, NOW_S) == follows


# The vendor.


@pytest.mark.parametrize(("status", "called_off"), [(200, True), (204, True), (404, False), (409, False), (422, False)])
def test_the_vendor_calls_off_what_it_answers_well(status: int, called_off: bool) -> None:
    vendor, acme = FakeVendor(httpx.Response(status)), vendor_of(CONTRACT)
    assert acme.cancel is not None
    assert call_off(vendor.proxy(), acme.cancel, "job/1", FakeTurns()) is called_off
    [request] = vendor.requests
    assert (request.method, request.url.raw_path) == ("POST", f"/live{CANCEL_PREFIX}/v1/jobs/job%2F1/cancel".encode())


def test_a_job_id_that_would_lead_elsewhere_is_not_called_off() -> None:
    vendor, acme = FakeVendor(httpx.Response(200)), vendor_of(CONTRACT)
    assert acme.cancel is not None
    assert call_off(vendor.proxy(), acme.cancel, "..", FakeTurns()) is False
    assert vendor.requests == []


@pytest.mark.parametrize(
    "says",
    [*map(httpx.Response, (302, 401, 403, 408, 425, 429, 503)), httpx.ReadTimeout("slow")],
    ids=lambda says: str(getattr(says, "status_code", "silence")),
)
def test_who_says_nothing_of_the_job_is_told_again(says: Any) -> None:
    acme = vendor_of(CONTRACT)
    assert acme.cancel is not None
    with pytest.raises(RetryLater):
        call_off(FakeVendor(says).proxy(), acme.cancel, "job-1", FakeTurns())


# The function.


def test_a_stop_and_its_cancel_through_the_function(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.profiles.contract = vendor_of({**CONTRACT, "limits": [*VENDOR_DOCUMENT["limits"], POLLS]})
    joined(worker.ledger)
    worker.step_functions.end(TOKEN)
    worker.vendor.answers = [httpx.Response(200)]
    told = json.dumps({"format_version": 2, "kind": "stop", "execution": EXECUTION})
    assert handler.find({"Records": [sqs_record(told)]}, LambdaContext()) == {"batchItemFailures": []}
    cancel, again = (params["MessageBody"] for _, params in worker.sqs.sent)
    assert read(again) == Stop(EXECUTION, 1)
    assert metrics(capsys.readouterr().out)["StopsPending"] == [1.0]
    assert handler.find({"Records": [sqs_record(cancel)]}, LambdaContext()) == {"batchItemFailures": []}
    assert worker.vendor.requests[0].headers[CREDENTIAL_HEADER] == "Bearer api-token-1"
    assert worker.tables.call()["state"] == "cancelled"
    assert metrics(capsys.readouterr().out)["CancelsDone"] == [1.0]


@pytest.mark.parametrize("message", [Stop(EXECUTION), ASKED], ids=["stop", "cancel"])
def test_a_contract_that_has_lost_its_cancel_leaves_jobs_alone(worker: Worker, message: ResultsMessage) -> None:
    joined(worker.ledger)
    worker.step_functions.end(TOKEN)
    handler.find({"Records": [sqs_record(write(message))]}, LambdaContext())
    assert (worker.sqs.sent, worker.vendor.requests) == ([], [])
