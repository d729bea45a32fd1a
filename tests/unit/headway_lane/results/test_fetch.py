"""Fetching a result: tried again while that makes sense, and never more than Step Functions can carry."""

import json
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.contract.exchange import Fetched
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.turn import Unpaced
from headway_lane.messages.claim import CARRIED_BYTES, FIELD, results_folder
from headway_lane.results import handler
from headway_lane.results.fetch import fetched
from headway_lane.runtime.errors import ErrorCode, FailTask, RetryLater
from headway_lane.runtime.names import CREDENTIAL_HEADER
from headway_lane.vendor_api.attempt import ATTEMPTS, BUDGET_S, LONGEST_PAUSE_S
from headway_lane.vendor_api.cool_downs import COOL_DOWNS

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT, FakeTurns, FakeVendor, Worker, metrics, vendor_of

PLACE = Fetched("/v1/jobs/{job_id}", 10)
OK = httpx.Response(200, json={"id": "job-1", "output": "Grüße"})


def no_sleep(duration_s: float) -> None:
    assert duration_s >= 0


def failure(vendor: FakeVendor) -> FailTask:
    with pytest.raises(FailTask) as failed:
        fetched(vendor.proxy(), "acme", PLACE, "job-1", Unpaced(), no_sleep)
    return failed.value


def test_a_result_comes_with_one_request() -> None:
    vendor = FakeVendor(OK)
    assert fetched(vendor.proxy(), "acme", PLACE, "job-1", Unpaced(), no_sleep) == {"id": "job-1", "output": "Grüße"}
    (request,) = vendor.requests
    assert (request.method, str(request.url)) == ("GET", "https://proxy.example/live/v1/jobs/job-1")
    assert (request.content, request.extensions["timeout"]["read"]) == (b"", 10)


@pytest.mark.parametrize(
    ("job_id", "raw_path"),
    [
        ("a/b", b"/live/v1/jobs/a%2Fb"),
        ("a?b=c#d", b"/live/v1/jobs/a%3Fb%3Dc%23d"),
        ("a b%20", b"/live/v1/jobs/a%20b%2520"),
        ("{job_id}", b"/live/v1/jobs/%7Bjob_id%7D"),
        ("ü", b"/live/v1/jobs/%C3%BC"),
    ],
)
def test_a_job_id_cannot_leave_its_place_in_the_path(job_id: str, raw_path: bytes) -> None:
    vendor = FakeVendor(OK)
    fetched(vendor.proxy(), "acme", PLACE, job_id, Unpaced(), no_sleep)
    assert vendor.requests[0].url.raw_path == raw_path


@pytest.mark.parametrize(
    "answer", [httpx.Response(429), httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")]
)
def test_what_may_pass_is_tried_again(answer: httpx.Response | Exception) -> None:
    vendor, slept_s = FakeVendor(answer, answer, OK), list[float]()
    assert fetched(vendor.proxy(), "acme", PLACE, "job-1", Unpaced(), slept_s.append)["id"] == "job-1"
    assert len(vendor.requests) == 3
    assert len(slept_s) == 2
    assert all(0 <= pause_s <= LONGEST_PAUSE_S for pause_s in slept_s)


def test_every_attempt_takes_a_turn_of_its_own_and_a_429_cools_down_as_long_as_the_vendor_asks() -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "2"})
    turns = FakeTurns()
    vendor = FakeVendor(throttled, httpx.Response(503), httpx.ReadTimeout("slow"), OK)
    fetched(vendor.proxy(), "acme", PLACE, "job-1", turns, no_sleep)
    assert turns.told == [
        *("take", "answered", ("refused", 2)),
        *("take", "answered", "failed"),
        *("take", "failed"),  # nobody answered
        *("take", "answered", "succeeded"),
    ]


def test_a_turn_that_is_too_far_away_is_no_result() -> None:
    class FarAway(FakeTurns):
        def take(self) -> None:
            raise RetryLater("the next free slot is far away", retry_after_s=15)

    vendor = FakeVendor(OK)
    with pytest.raises(FailTask, match="the next free slot is far away") as failed:
        fetched(vendor.proxy(), "acme", PLACE, "job-1", FarAway(), no_sleep)
    assert failed.value.code is ErrorCode.RESULT_UNAVAILABLE
    assert vendor.requests == []


def test_attempts_are_bounded_and_the_last_reason_is_told() -> None:
    vendor = FakeVendor(httpx.Response(503))
    error = failure(vendor)
    assert error.code is ErrorCode.RESULT_UNAVAILABLE
    assert error.cause == f"acme: HTTP 503 for {BUDGET_S:.0f} s"
    assert len(vendor.requests) == ATTEMPTS


def test_the_time_for_all_attempts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = iter(range(0, 10_000, 6))
    monkeypatch.setattr("time.monotonic", lambda: next(now_s))
    vendor = FakeVendor(httpx.ReadTimeout("slow"))
    assert failure(vendor).cause == "acme: no answer (ReadTimeout) for 20 s"
    assert len(vendor.requests) < ATTEMPTS


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
def test_a_refusal_is_final(status: int) -> None:
    vendor = FakeVendor(httpx.Response(status, text="gone"))
    error = failure(vendor)
    assert (error.code, error.cause) == (ErrorCode.RESULT_UNAVAILABLE, f"acme answered HTTP {status}")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, content=b'"\xff"')])
def test_a_result_that_is_not_json_is_unreadable(answer: httpx.Response) -> None:
    assert failure(FakeVendor(answer)).code is ErrorCode.VENDOR_ANSWER_UNREADABLE


def found() -> Any:
    """Return what the function finds of one job."""
    return handler.find({"call_id": "call-1", "job_id": "job-1"}, LambdaContext())


def test_the_function_passes_on_the_largest_result_that_a_state_carries_and_a_claim_check_on_a_larger_one(
    worker: Worker,
) -> None:
    room = CARRIED_BYTES - len('""')
    worker.vendor.answers = [httpx.Response(200, json="x" * room)]
    assert found()["result"] == "x" * room
    large = "x" * (room + 1)
    worker.vendor.answers = [httpx.Response(200, json=large)]
    pointer = found()["result"]
    assert pointer[FIELD]["size_bytes"] == CARRIED_BYTES + 1
    assert worker.s3.claims().redeem(pointer, results_folder("acme")) == large


def test_the_function_answers_with_the_result(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.vendor.answers = [OK]
    answer = found()
    assert answer == {"outcome": "fetched", "result": {"id": "job-1", "output": "Grüße"}}
    assert worker.vendor.requests[0].headers[CREDENTIAL_HEADER] == "Bearer api-token-1"
    assert metrics(capsys.readouterr().out).items() >= {"vendor": "acme", "ResultsFetched": [1.0]}.items()


def test_the_function_waits_for_its_turn_where_the_contract_counts_polls(worker: Worker) -> None:
    limit = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}
    worker.profiles.contract = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], limit]})
    worker.vendor.answers = [OK]
    left_us = []
    for _ in range(3):
        found()
        left_us.append(worker.clock.now_us)
    assert left_us == [left_us[0], left_us[0] + 550_000, left_us[0] + 1_100_000], "1.1 s for two"
    assert list(worker.reservations.entries) == ["acme#poll"]


def test_a_busy_vendor_cools_down_the_polls_of_everybody_and_the_cool_down_is_counted(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = {"quantity": "calls", "amount": 2, "per_s": 1, "scope": "poll"}
    worker.profiles.contract = vendor_of({"limits": [*VENDOR_DOCUMENT["limits"], limit]})
    worker.vendor.answers = [httpx.Response(429, headers={"Retry-After": "4"}), OK]
    began_us = worker.clock.now_us
    assert found()["outcome"] == "fetched"
    assert worker.clock.now_us >= began_us + 4_000_000
    line = metrics(capsys.readouterr().out)
    assert (line["ResultsFetched"], line["CoolDownsRetryAfter"]) == ([1.0], [1.0])
    assert worker.reservations.entries["acme#poll"].reservations.cool_down_reason is Reason.RETRY_AFTER


def test_every_reason_of_a_cool_down_has_a_metric() -> None:
    assert set(COOL_DOWNS) == set(Reason)


def test_the_function_answers_with_the_reason_where_there_is_no_result(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.vendor.answers = [httpx.Response(404)]
    answer = found()
    assert json.loads(json.dumps(answer)) == {
        "outcome": "rejected",
        "error": "Result.Unavailable",
        "cause": "acme answered HTTP 404",
    }
    assert metrics(capsys.readouterr().out)["ResultsRejected"] == [1.0]
