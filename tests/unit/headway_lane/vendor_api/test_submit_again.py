"""When a submit is sent again: never where the vendor may have taken it and a doubled job would do harm."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx
import pytest
from headway_lane.contract.exchange import Ambiguity
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, RetryLater
from headway_lane.vendor_api.attempt import ATTEMPTS, BUDGET_S, LONGEST_PAUSE_S
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import REFUSALS_BELIEVED, REFUSED_IN_DOUBT_S, submit

from tests.unit.headway_lane.fakes import CALLBACK_URL, FakeTurns, FakeVendor, vendor_of

DATE, IN_SIX_S = "Sat, 21 Nov 2026 07:00:00 GMT", "Sat, 21 Nov 2026 07:00:06 GMT"
ACCEPTED = httpx.Response(201, json={"id": "job-1"})
NOT_THERE = RetryLater("the vendor does not have the job", retry_after_s=0)
NO_ANSWER = InDoubt("asked for the job: HTTP 503")
AMBIGUOUS = {
    "500": httpx.Response(500),
    "502": httpx.Response(502),
    "504": httpx.Response(504),
    "read timeout": httpx.ReadTimeout("too slow"),
    "write timeout": httpx.WriteTimeout("too slow"),
    "broken off": httpx.RemoteProtocolError("peer closed"),
    "reset": httpx.ReadError("reset"),
}


UNREACHED = {
    "refused": httpx.ConnectError("refused"),
    "connect timeout": httpx.ConnectTimeout("too slow"),
    "pool timeout": httpx.PoolTimeout("all taken"),
}


class Sender:
    """Submits under one policy and notes the pauses; a pause moves the clock that the budget is measured on. `ready`
    are the attempts that were made ready, and whether they were behind one in doubt.

    Whoever asks for the job learns the next of `findings`, and the last of them from then on.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        self.pauses_s: list[float] = []
        self.turns = FakeTurns()
        self.ready: list[bool] = []
        self.findings: list[str | RetryLater] = [NOT_THERE]
        monkeypatch.setattr("time.monotonic", lambda: self.now_s)

    def sleep_s(self, duration_s: float) -> None:
        self.pauses_s.append(duration_s)
        self.now_s += duration_s

    def ask(self) -> str:
        self.turns.told.append("ask")
        finding = self.findings.pop(0) if len(self.findings) > 1 else self.findings[0]
        if isinstance(finding, RetryLater):
            raise finding
        return finding

    def send(
        self,
        vendor: FakeVendor,
        ambiguity: Ambiguity = Ambiguity.REJECT,
        changes: Mapping[str, Any] | None = None,
        doubtful: bool = False,
        refusals: int = 0,
    ) -> str:
        contract = vendor_of({"submit.ambiguity": ambiguity, **(changes or {})})
        submission = submission_of(contract, {}, "call-1-key", CALLBACK_URL)
        return submit(
            vendor.proxy(),
            contract,
            submission,
            self.turns,
            self.ask,
            self.sleep_s,
            ready=self.ready.append,
            doubtful=doubtful,
            refusals=refusals,
        )


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Sender:
    return Sender(monkeypatch)


def test_a_throttled_submit_waits_as_long_as_the_vendor_asks(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(429, headers={"Retry-After": "2"}), ACCEPTED)
    assert sender.send(vendor) == "job-1"
    assert sender.pauses_s == [2]
    assert len(vendor.requests) == 2


def test_every_attempt_takes_a_turn_of_its_own_and_tells_how_it_went(sender: Sender) -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "2"})
    vendor = FakeVendor(throttled, httpx.Response(429), httpx.ConnectError("refused"), ACCEPTED)
    sender.send(vendor)
    assert sender.turns.told == [
        *("take", "answered", ("refused", 2)),
        *("take", "answered", ("refused", None)),
        *("take", "failed"),  # nobody answered
        *("take", "answered", "succeeded"),
    ]


def test_an_attempt_without_a_turn_does_not_reach_the_vendor_and_is_left_to_the_queue(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def far_away(ready: Callable[[], None]) -> None:
        del ready
        raise RetryLater("the next free slot is far away", retry_after_s=15)

    monkeypatch.setattr(sender.turns, "take", far_away)
    vendor = FakeVendor(ACCEPTED)
    with pytest.raises(RetryLater) as later:
        sender.send(vendor)
    assert later.value.retry_after_s == 15
    assert vendor.requests == []
    assert sender.pauses_s == []


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "6"}, {"RateLimit": '"default";r=0;t=6'}, {"Date": DATE, "Retry-After": IN_SIX_S}]
)
def test_a_long_pause_is_waited_for_in_the_queue(sender: Sender, headers: dict[str, str]) -> None:
    vendor = FakeVendor(httpx.Response(429, headers=headers), ACCEPTED)
    with pytest.raises(RetryLater) as later:
        sender.send(vendor)
    assert later.value.retry_after_s == 6
    assert (len(vendor.requests), sender.pauses_s) == (1, [])


def test_an_answer_that_asks_for_a_pause_beside_the_job_id_is_a_success_that_cools_down(sender: Sender) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}
    assert sender.send(FakeVendor(httpx.Response(201, json={"id": "job-1"}, headers=headers))) == "job-1"
    assert sender.turns.told == ["take", "answered", ("succeeded", 30)]


def test_a_refusal_is_a_sign_of_health_and_a_busy_vendor_that_names_a_time_fails_and_cools_down(sender: Sender) -> None:
    busy = httpx.Response(503, headers={"Retry-After": "4"})
    with pytest.raises(InDoubt):
        sender.send(FakeVendor(busy, httpx.Response(422)), Ambiguity.RETRY)
    assert sender.pauses_s == [4]
    assert sender.turns.told == [
        *("take", "answered", "failed", ("refused", 4)),
        *("take", "answered", "succeeded"),
    ]


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS)
@pytest.mark.parametrize("ambiguity", Ambiguity)
def test_every_failure_is_told_under_any_policy(
    sender: Sender, answer: httpx.Response | Exception, ambiguity: Ambiguity
) -> None:
    with suppress(FailTask):
        sender.send(FakeVendor(answer, ACCEPTED), ambiguity)
    assert sender.turns.told.count("failed") == 1


@pytest.mark.parametrize("header", [None, "", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_without_a_time_in_retry_after_the_pause_is_a_bounded_back_off(sender: Sender, header: str | None) -> None:
    headers = {"Date": DATE} | ({} if header is None else {"Retry-After": header})
    assert sender.send(FakeVendor(httpx.Response(429, headers=headers), ACCEPTED)) == "job-1"
    assert len(sender.pauses_s) == 1
    assert 0 <= sender.pauses_s[0] <= LONGEST_PAUSE_S


def test_attempts_are_bounded_and_the_last_word_of_the_vendor_is_passed_on(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(429, headers={"Retry-After": "1"}))
    with pytest.raises(RetryLater, match="HTTP 429") as later:
        sender.send(vendor)
    assert later.value.retry_after_s == 1
    assert len(vendor.requests) == ATTEMPTS
    assert sender.pauses_s == [1] * (ATTEMPTS - 1)


def test_the_time_for_all_attempts_is_bounded_too(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(429, headers={"Retry-After": "5"}))
    with pytest.raises(RetryLater):
        sender.send(vendor)
    assert sender.now_s <= BUDGET_S + LONGEST_PAUSE_S
    assert len(vendor.requests) < ATTEMPTS


def test_the_budget_and_a_last_attempt_fit_into_the_callers_timeout() -> None:
    vendor = vendor_of()
    assert BUDGET_S + LONGEST_PAUSE_S + vendor.submit.timeout_s < vendor.caller_timeout_s


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_unclear_submit_is_never_repeated_where_a_doubled_job_does_harm(
    sender: Sender, answer: httpx.Response | Exception
) -> None:
    vendor = FakeVendor(answer, ACCEPTED)
    with pytest.raises(FailTask) as failed:
        sender.send(vendor, Ambiguity.REJECT)
    assert failed.value.code is ErrorCode.VENDOR_UNAVAILABLE
    assert failed.value.cause.endswith("not repeated, a job could be doubled")
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_unclear_submit_is_repeated_with_the_same_key_where_the_contract_allows_it(
    sender: Sender, answer: httpx.Response | Exception
) -> None:
    vendor = FakeVendor(answer, answer, ACCEPTED)
    assert sender.send(vendor, Ambiguity.RETRY, {"submit.idempotency_header": "Idempotency-Key"}) == "job-1"
    assert [request.headers["idempotency-key"] for request in vendor.requests] == ["call-1-key"] * 3
    assert len({request.content for request in vendor.requests}) == 1


@pytest.mark.parametrize("unreached", UNREACHED.values(), ids=UNREACHED)
@pytest.mark.parametrize("ambiguity", Ambiguity)
def test_a_proxy_that_was_never_reached_is_tried_again_under_any_policy(
    sender: Sender, ambiguity: Ambiguity, unreached: Exception
) -> None:
    vendor = FakeVendor(unreached, ACCEPTED)
    assert sender.send(vendor, ambiguity) == "job-1"
    assert (len(vendor.requests), sender.ready) == (2, [False, False])
    assert "ask" not in sender.turns.told


@pytest.mark.parametrize("unreached", UNREACHED.values(), ids=UNREACHED)
@pytest.mark.parametrize("ambiguity", Ambiguity)
def test_a_proxy_that_is_never_reached_is_no_doubt_under_any_policy(
    sender: Sender, ambiguity: Ambiguity, unreached: Exception
) -> None:
    with pytest.raises(RetryLater, match="the proxy cannot be reached") as later:
        sender.send(FakeVendor(unreached), ambiguity)
    assert not isinstance(later.value, InDoubt)


CLEAR = {"429": httpx.Response(429, headers={"Retry-After": "60"})} | UNREACHED


@pytest.mark.parametrize("clear", CLEAR.values(), ids=CLEAR)
@pytest.mark.parametrize("doubtful", [True, False], ids=["from before", "from this one"])
def test_a_doubt_outlives_what_ends_clearly_behind_it(
    sender: Sender, clear: httpx.Response | Exception, doubtful: bool
) -> None:
    vendor = FakeVendor(*([] if doubtful else [httpx.Response(503)]), clear)
    with pytest.raises(InDoubt):
        sender.send(vendor, Ambiguity.RETRY, doubtful=doubtful)
    assert sender.ready[-1] is True


@pytest.mark.parametrize("ambiguity", [Ambiguity.RETRY, Ambiguity.ASK])
def test_a_doubt_outlives_a_turn_that_is_far_away(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, ambiguity: Ambiguity
) -> None:
    def far_away(ready: Callable[[], None]) -> None:
        del ready
        raise RetryLater("the next free slot is far away", retry_after_s=15)

    monkeypatch.setattr(sender.turns, "take", far_away)
    sender.findings = [InDoubt("asked for the job: the next free slot is far away", 15)]
    with pytest.raises(InDoubt) as later:
        sender.send(FakeVendor(ACCEPTED), ambiguity, doubtful=True)
    assert later.value.retry_after_s == 15


@pytest.mark.parametrize("status", [302, 400, 404, 409, 422])
@pytest.mark.parametrize("doubtful", [True, False], ids=["from before", "from this one"])
def test_a_refusal_behind_a_doubt_is_not_believed_and_the_submit_is_repeated_later(
    sender: Sender, status: int, doubtful: bool
) -> None:
    vendor = FakeVendor(*([] if doubtful else [httpx.Response(503)]), httpx.Response(status, text="known already"))
    with pytest.raises(InDoubt, match=f"HTTP {status}: known already, behind a submit") as later:
        sender.send(vendor, Ambiguity.RETRY, doubtful=doubtful)
    assert later.value.retry_after_s == REFUSED_IN_DOUBT_S > LONGEST_PAUSE_S
    assert len(vendor.requests) == 2 - doubtful


def test_a_refusal_behind_many_is_believed(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(422, text="no such model"))
    with pytest.raises(FailTask, match="HTTP 422: no such model") as failed:
        sender.send(vendor, Ambiguity.RETRY, doubtful=True, refusals=REFUSALS_BELIEVED)
    assert failed.value.code is ErrorCode.VENDOR_REJECTED


def test_refusals_before_another_doubt_count_no_more(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(503), httpx.Response(422))
    with pytest.raises(InDoubt) as doubt:
        sender.send(vendor, Ambiguity.RETRY, doubtful=True, refusals=REFUSALS_BELIEVED)
    assert doubt.value.refusals == 1


def test_a_pause_that_the_vendor_asks_for_keeps_the_count_of_its_refusals(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(429, headers={"Retry-After": "60"}))
    with pytest.raises(InDoubt) as doubt:
        sender.send(vendor, Ambiguity.RETRY, doubtful=True, refusals=2)
    assert doubt.value.refusals == 2


def test_a_refusal_is_believed_once_the_vendor_has_said_that_it_does_not_have_the_job(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(422))
    with pytest.raises(FailTask) as failed:
        sender.send(vendor, Ambiguity.ASK, doubtful=True)
    assert failed.value.code is ErrorCode.VENDOR_REJECTED
    assert [told for told in sender.turns.told if told in ("ask", "take")] == ["ask", "take"]


@pytest.mark.parametrize(
    ("answers", "ambiguity", "doubtful", "ready"),
    [
        ([ACCEPTED], Ambiguity.REJECT, False, [False]),
        ([httpx.Response(429), ACCEPTED], Ambiguity.REJECT, False, [False, False]),
        ([httpx.Response(503), ACCEPTED], Ambiguity.RETRY, False, [False, True]),
        ([httpx.Response(503), httpx.Response(429), ACCEPTED], Ambiguity.RETRY, False, [False, True, True]),
        ([ACCEPTED], Ambiguity.RETRY, True, [True]),
        ([httpx.Response(503), ACCEPTED], Ambiguity.ASK, False, [False, False]),
        ([ACCEPTED], Ambiguity.ASK, True, [False]),
    ],
)
def test_every_submit_is_made_ready_and_told_of_the_doubt_before_it(
    sender: Sender, answers: list[httpx.Response], ambiguity: Ambiguity, doubtful: bool, ready: list[bool]
) -> None:
    assert sender.send(FakeVendor(*answers), ambiguity, doubtful=doubtful) == "job-1"
    assert sender.ready == ready


def test_a_throttle_and_then_an_unclear_answer_ends_where_a_doubled_job_does_harm(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(429), httpx.Response(503), ACCEPTED)
    with pytest.raises(FailTask):
        sender.send(vendor, Ambiguity.REJECT)
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_job_that_was_taken_all_the_same_is_found_and_not_submitted_again(
    sender: Sender, answer: httpx.Response | Exception
) -> None:
    sender.findings = ["job-1"]
    vendor = FakeVendor(answer, httpx.Response(201, json={"id": "job-2"}))
    assert sender.send(vendor, Ambiguity.ASK) == "job-1"
    assert len(vendor.requests) == 1
    assert len(sender.pauses_s) == 1


@pytest.mark.parametrize("answer", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_job_that_the_vendor_does_not_have_is_submitted_again_at_once(
    sender: Sender, answer: httpx.Response | Exception
) -> None:
    vendor = FakeVendor(answer, ACCEPTED)
    assert sender.send(vendor, Ambiguity.ASK) == "job-1"
    assert [told for told in sender.turns.told if told in ("ask", "take")] == ["take", "ask", "take"]
    assert sender.pauses_s[1:] == [0]


def test_while_nobody_knows_the_vendor_is_asked_again_and_no_turn_for_a_submit_is_taken(sender: Sender) -> None:
    sender.findings = [NO_ANSWER, NO_ANSWER, NOT_THERE]
    assert sender.send(FakeVendor(httpx.Response(500), ACCEPTED), Ambiguity.ASK) == "job-1"
    assert [told for told in sender.turns.told if told in ("ask", "take")] == ["take", "ask", "ask", "ask", "take"]


def test_every_unclear_submit_is_asked_about(sender: Sender) -> None:
    sender.findings = [NOT_THERE, "job-2"]
    vendor = FakeVendor(httpx.Response(503), httpx.Response(500), ACCEPTED)
    assert sender.send(vendor, Ambiguity.ASK) == "job-2"
    assert len(vendor.requests) == 2


def test_a_vendor_that_never_tells_leaves_the_call_in_doubt_after_as_many_attempts_as_any(sender: Sender) -> None:
    sender.findings = [NO_ANSWER]
    vendor = FakeVendor(httpx.Response(500), ACCEPTED)
    with pytest.raises(InDoubt, match="asked for the job: HTTP 503"):
        sender.send(vendor, Ambiguity.ASK)
    assert len(vendor.requests) == 1
    assert sender.turns.told.count("ask") == ATTEMPTS - 1


def test_a_vendor_that_is_busy_for_long_is_asked_from_the_queue(sender: Sender) -> None:
    vendor = FakeVendor(httpx.Response(503, headers={"Retry-After": "60"}), ACCEPTED)
    with pytest.raises(InDoubt) as later:
        sender.send(vendor, Ambiguity.ASK)
    assert (later.value.retry_after_s, sender.pauses_s) == (60, [])
    assert "ask" not in sender.turns.told


@pytest.mark.parametrize("clear", [httpx.Response(429, headers={"Retry-After": "60"}), httpx.ConnectError("refused")])
def test_what_ends_clearly_behind_an_unclear_submit_leaves_no_doubt(
    sender: Sender, clear: httpx.Response | Exception
) -> None:
    with pytest.raises(RetryLater) as later:
        sender.send(FakeVendor(httpx.Response(500), clear), Ambiguity.ASK)
    assert not isinstance(later.value, InDoubt)
    assert sender.turns.told.count("ask") == 1


def test_a_call_that_comes_in_doubt_is_asked_about_before_anything_else(sender: Sender) -> None:
    sender.findings = ["job-1"]
    vendor = FakeVendor(ACCEPTED)
    assert sender.send(vendor, Ambiguity.ASK, doubtful=True) == "job-1"
    assert (vendor.requests, sender.turns.told) == ([], ["ask"])


def test_a_policy_that_has_changed_decides_on_the_doubts_of_the_one_before(sender: Sender) -> None:
    vendor = FakeVendor(ACCEPTED)
    with pytest.raises(FailTask, match="not repeated, a job could be doubled") as failed:
        sender.send(vendor, Ambiguity.REJECT, doubtful=True)
    assert failed.value.code is ErrorCode.VENDOR_UNAVAILABLE
    assert vendor.requests == []
    assert sender.send(vendor, Ambiguity.RETRY, doubtful=True) == "job-1"
    assert "ask" not in sender.turns.told
