"""Asking the vendor for a result: one request, and what its answer means."""

import httpx
import pytest
from headway_lane.contract.exchange import Fetched
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.turn import Unpaced
from headway_lane.results.fetch import fetched
from headway_lane.runtime.errors import ErrorCode, FailTask, RetryLater
from headway_lane.vendor_api.cool_downs import COOL_DOWNS

from tests.unit.headway_lane.fakes import FakeTurns, FakeVendor

PLACE = Fetched("/v1/jobs/{job_id}", 10)
OK = httpx.Response(200, json={"id": "job-1", "output": "Grüße"})


def failure(answer: httpx.Response) -> FailTask:
    with pytest.raises(FailTask) as failed:
        fetched(FakeVendor(answer).proxy(), "acme", PLACE, "job-1", Unpaced())
    return failed.value


def test_a_result_comes_with_one_request() -> None:
    vendor = FakeVendor(OK)
    assert fetched(vendor.proxy(), "acme", PLACE, "job-1", Unpaced()) == {"id": "job-1", "output": "Grüße"}
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
    fetched(vendor.proxy(), "acme", PLACE, job_id, Unpaced())
    assert vendor.requests[0].url.raw_path == raw_path


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(429, headers={"Retry-After": "2"}), ["answered", ("refused", 2)]),
        (httpx.Response(503), ["answered", "failed"]),
        (httpx.ReadTimeout("slow"), ["failed"]),
        (httpx.ConnectError("refused"), ["failed"]),
    ],
)
def test_what_may_pass_is_for_later_and_the_turns_are_told(
    answer: httpx.Response | Exception, told: list[object]
) -> None:
    vendor, turns = FakeVendor(answer), FakeTurns()
    with pytest.raises(RetryLater):
        fetched(vendor.proxy(), "acme", PLACE, "job-1", turns)
    assert turns.told == ["take", *told]
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410])
def test_a_refusal_is_final(status: int) -> None:
    error = failure(httpx.Response(status, text="gone"))
    assert (error.code, error.cause) == (ErrorCode.RESULT_UNAVAILABLE, f"acme answered HTTP {status}")


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, content=b'"\xff"')])
def test_a_result_that_is_not_json_is_unreadable(answer: httpx.Response) -> None:
    assert failure(answer).code is ErrorCode.VENDOR_ANSWER_UNREADABLE


def test_every_reason_of_a_cool_down_has_a_metric() -> None:
    assert set(COOL_DOWNS) == set(Reason)
