"""Asking for the job of a submit whose end nobody knows: it is there, it is not there, or nobody knows still."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.vendor_api.lookup import job_of_key

from tests.unit.headway_lane.fakes import ASKING, FakeTurns, FakeVendor, vendor_of

FOUND = httpx.Response(200, json={"data": [{"id": "job-1"}]})


def ask(
    vendor: FakeVendor, changes: Mapping[str, Any] | None = None, key: str = "call-1-key", turns: Turns | None = None
) -> str:
    return job_of_key(vendor.proxy(), vendor_of({**ASKING, **(changes or {})}), key, turns or FakeTurns())


def test_a_job_is_looked_up_by_our_key_with_one_request() -> None:
    vendor = FakeVendor(FOUND)
    assert ask(vendor) == "job-1"
    (request,) = vendor.requests
    assert (request.method, str(request.url)) == ("GET", "https://proxy.example/live/v1/jobs?reference=call-1-key")
    assert (request.content, request.extensions["timeout"]["read"]) == (b"", 5)


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("/v1/jobs?reference={idempotency_key}", b"/live/v1/jobs?reference=a%2Fb%26c%3Dd%20%2B"),
        ("/v1/jobs/{idempotency_key}?by=reference", b"/live/v1/jobs/a%2Fb%26c%3Dd%20%2B?by=reference"),
    ],
)
def test_our_key_cannot_leave_its_place(path: str, raw_path: bytes) -> None:
    vendor = FakeVendor(FOUND)
    ask(vendor, {"submit.lookup.path": path}, "a/b&c=d +")
    assert vendor.requests[0].url.raw_path == raw_path


@pytest.mark.parametrize(
    ("path", "answer", "job_id"),
    [
        ("id", {"id": "job-1"}, "job-1"),
        ("data.id", {"data": {"id": 42}}, "42"),
        ("1.id", [{"id": "job-0"}, {"id": "job-1"}], "job-1"),
    ],
)
def test_the_job_id_is_read_where_the_contract_says(path: str, answer: Any, job_id: str) -> None:
    assert ask(FakeVendor(httpx.Response(200, json=answer)), {"submit.lookup.job_id": path}) == job_id


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(404, text="<html>"),
        httpx.Response(204),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json={"data": [{"id": None}]}),
        httpx.Response(200, json={"data": [{"id": ""}]}),
    ],
    ids=["404", "404 page", "204", "empty object", "empty list", "null", "empty"],
)
def test_an_answer_without_a_job_says_that_it_was_not_taken_and_may_be_sent_at_once(answer: httpx.Response) -> None:
    with pytest.raises(RetryLater, match="the vendor does not have the job") as later:
        ask(FakeVendor(answer))
    assert not isinstance(later.value, InDoubt)
    assert later.value.retry_after_s == 0


@pytest.mark.parametrize(
    "answer",
    [
        *(httpx.Response(status) for status in (301, 400, 401, 403, 410, 429, 500, 503)),
        httpx.ReadTimeout("too slow"),
        httpx.ConnectTimeout("too slow"),
        httpx.ConnectError("refused"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b'{"data": [{"id": "\xff"}]}'),
        httpx.Response(200, json={"data": [{"id": True}]}),
        httpx.Response(200, json={"data": [{"id": ["job-1"]}]}),
    ],
    ids=lambda answer: f"{getattr(answer, 'status_code', '')} {getattr(answer, 'content', answer)!r}",
)
def test_any_other_answer_or_none_leaves_everybody_in_doubt(answer: httpx.Response | Exception) -> None:
    vendor = FakeVendor(answer)
    with pytest.raises(InDoubt, match="asked for the job: "):
        ask(vendor)
    assert len(vendor.requests) == 1


def test_a_busy_vendor_is_asked_again_when_it_says() -> None:
    with pytest.raises(InDoubt) as later:
        ask(FakeVendor(httpx.Response(429, headers={"Retry-After": "7"})))
    assert later.value.retry_after_s == 7


def test_a_contract_that_has_lost_its_lookup_doubles_no_job() -> None:
    vendor = FakeVendor(FOUND)
    with pytest.raises(InDoubt, match="the contract does not say where to ask"):
        ask(vendor, {"submit.lookup": None})
    assert vendor.requests == []


def test_a_lookup_takes_a_turn_and_tells_how_it_went() -> None:
    turns = FakeTurns()
    ask(FakeVendor(FOUND), turns=turns)
    with pytest.raises(InDoubt):
        ask(FakeVendor(httpx.Response(503)), turns=turns)
    assert turns.told == [*("take", "answered", "succeeded"), *("take", "answered", "failed")]


def test_a_turn_that_is_far_away_is_waited_for_in_the_queue_and_in_doubt() -> None:
    class FarAway(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            raise RetryLater("the next free slot is far away", retry_after_s=15)

    vendor = FakeVendor(FOUND)
    with pytest.raises(InDoubt, match="the next free slot is far away") as later:
        ask(vendor, turns=FarAway())
    assert later.value.retry_after_s == 15
    assert vendor.requests == []
