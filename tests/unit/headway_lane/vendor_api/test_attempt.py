"""One attempt: what its turns are told, in which order, and what an answer or none means."""

from collections.abc import Callable

import httpx
import pytest
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.vendor_api.attempt import attempt

from tests.unit.headway_lane.fakes import FakeTurns, FakeVendor, client_error


def made(
    answer: httpx.Response | Exception, unreached: str = "no answer"
) -> tuple[httpx.Response | RetryLater, FakeTurns]:
    """Make one attempt; return its answer or its error, and the turns that were told of it."""
    proxy, turns = FakeVendor(answer).proxy(), FakeTurns()
    try:
        return attempt(turns, lambda: proxy.send("POST", "/v1/jobs", 10), unreached=unreached), turns
    except RetryLater as error:
        return error, turns


@pytest.mark.parametrize("status", [200, 201, 302, 404, 422])
def test_an_answer_of_any_other_status_comes_back_and_is_a_sign_of_health(status: int) -> None:
    answer, turns = made(httpx.Response(status, headers={"RateLimit": '"default";r=0;t=6'}))
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == status
    assert turns.told == ["take", "answered", ("succeeded", 6)]


@pytest.mark.parametrize(
    ("answer", "told", "text", "retry_after_s"),
    [
        (httpx.ConnectError("refused"), ["failed"], "no answer (ConnectError)", None),
        (httpx.ConnectTimeout("slow"), ["failed"], "no answer (ConnectTimeout)", None),
        (httpx.PoolTimeout("all taken"), ["failed"], "no answer (PoolTimeout)", None),
        (httpx.Response(429), ["answered", ("refused", None)], "HTTP 429", None),
        (httpx.Response(429, headers={"Retry-After": "7"}), ["answered", ("refused", 7)], "HTTP 429", 7),
    ],
    ids=["refused connection", "connection too slow", "no connection free", "429", "429 with a time"],
)
def test_where_nothing_happened_the_step_may_be_repeated(
    answer: httpx.Response | Exception, told: list[object], text: str, retry_after_s: float | None
) -> None:
    error, turns = made(answer)
    assert isinstance(error, RetryLater)
    assert not isinstance(error, InDoubt)
    assert (str(error), error.retry_after_s) == (text, retry_after_s)
    assert turns.told == ["take", *told]


@pytest.mark.parametrize(
    ("answer", "told", "text", "retry_after_s"),
    [
        (httpx.ReadTimeout("slow"), ["failed"], "no answer (ReadTimeout)", None),
        (httpx.WriteTimeout("slow"), ["failed"], "no answer (WriteTimeout)", None),
        (httpx.RemoteProtocolError("closed"), ["failed"], "no answer (RemoteProtocolError)", None),
        (httpx.Response(500), ["answered", "failed"], "HTTP 500", None),
        (httpx.Response(503, headers={"Retry-After": "4"}), ["answered", "failed", ("refused", 4)], "HTTP 503", 4),
    ],
    ids=["read timeout", "write timeout", "broken off", "500", "503 with a time"],
)
def test_where_nobody_knows_whether_the_vendor_took_it_there_is_doubt(
    answer: httpx.Response | Exception, told: list[object], text: str, retry_after_s: float | None
) -> None:
    error, turns = made(answer)
    assert isinstance(error, InDoubt)
    assert (str(error), error.retry_after_s) == (text, retry_after_s)
    assert turns.told == ["take", *told]


def test_a_submit_says_by_its_own_words_that_it_never_left() -> None:
    error, _ = made(httpx.ConnectError("refused"), unreached="the proxy cannot be reached")
    assert str(error) == "the proxy cannot be reached (ConnectError)"


def test_an_attempt_is_made_ready_by_its_turn_before_anything_is_sent() -> None:
    done: list[str] = []

    def send() -> httpx.Response:
        done.append("send")
        return httpx.Response(201)

    attempt(FakeTurns(), send, ready=lambda: done.append("ready"))
    assert done == ["ready", "send"]


def test_what_is_not_ready_is_not_sent_and_nobody_is_told_of_a_failure() -> None:
    def not_ready() -> None:
        raise LookupError("the task has ended")

    turns = FakeTurns()
    with pytest.raises(LookupError):
        attempt(turns, lambda: pytest.fail("sent though it was not ready"), ready=not_ready)
    assert turns.told == ["take"]


def test_without_a_turn_nothing_is_sent_and_nothing_is_told() -> None:
    class FarAway(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            raise RetryLater("the next free slot is far away", retry_after_s=15)

    turns = FarAway()
    with pytest.raises(RetryLater, match="far away"):
        attempt(turns, lambda: pytest.fail("sent without a turn"))
    assert turns.told == []


def test_a_turn_that_cannot_be_taken_for_trouble_of_ours_is_nothing_that_happened() -> None:
    class Busy(FakeTurns):
        def take(self, ready: Callable[[], None] = lambda: None) -> None:
            raise client_error("GetItem", "ProvisionedThroughputExceededException")

    vendor = FakeVendor(httpx.Response(201))
    with pytest.raises(RetryLater) as raised:
        attempt(Busy(), lambda: vendor.proxy().send("POST", "/v1/jobs", 10))
    assert not isinstance(raised.value, InDoubt)
    assert vendor.requests == []
