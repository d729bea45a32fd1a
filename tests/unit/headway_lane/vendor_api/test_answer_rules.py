"""What a vendor's answers mean by rules of its contract: throttles, jobs, doubts and ends under any status."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import hypothesis.strategies as st
import pytest
from headway_lane.contract.answers import CODES, DEFAULTS, AnswerRule, Meaning, never_met
from headway_lane.contract.exchange import Fetched, Poll, result_from_document
from headway_lane.limiter.turn import Unpaced
from headway_lane.results.fetch import fetched
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, RetryLater
from headway_lane.vendor_api.job_status import Standing, ask, finding_of
from headway_lane.vendor_api.meaning import met
from headway_lane.vendor_api.submission import submission_of
from headway_lane.vendor_api.submit import REFUSALS_BELIEVED, submit
from hypothesis import given

from tests.unit.headway_lane.fakes import CALLBACK_URL, FakeTurns, FakeVendor, not_asked, vendor_of

TAKEN = httpx.Response(200, json={"id": "job-1"})
LOST = httpx.ReadTimeout("no answer")
SUBMIT = {"method": "POST", "path": "/v1/jobs", "timeout_s": 5, "job_id": "id", "ambiguity": "retry"}
TIMES = {"timeout_s": 5, "after_s": 1, "every_s": 1}
POLL = {"path": "/v1/jobs/{job_id}", "success": ["done"], "status": "status", **TIMES}
ASKING = {
    "ambiguity": "ask",
    "idempotency_header": "Idempotency-Key",
    "lookup": {"path": "/v1/jobs?key={idempotency_key}", "timeout_s": 5, "job_id": "data.0.id"},
}
IN_USE = httpx.Response(409, json={"code": "idempotency_key_in_use"})


def submitted(changes: Mapping[str, Any], *answers: Any, turns: Any = None, ask: Callable[[], str] = not_asked) -> str:
    vendor = vendor_of({"submit": {**SUBMIT, **changes}})
    submission = submission_of(vendor, {"n": 1}, "key-1", CALLBACK_URL)
    return submit(FakeVendor(*answers).proxy(), vendor, submission, turns or Unpaced(), ask, lambda _: None)


def rules(*documents: Mapping[str, Any]) -> dict[str, Any]:
    return {"answers": list(documents)}


@pytest.mark.parametrize(
    ("changes", "throttle"),
    [
        ({"throttled": ["400", "403", "420"]}, httpx.Response(420, text="enhance your calm")),
        (
            rules({"means": "later", "status": ["400"], "at": "Message", "words": ["ThrottleHost"]}),
            httpx.Response(400, json={"ErrorCode": 5, "Message": "ThrottleHost"}),
        ),
        (rules({"means": "later", "texts": ["rate limit"]}), httpx.Response(200, text="Secondary Rate Limit hit")),
        (rules({"means": "later", "header": "X-Throttled"}), httpx.Response(403, headers={"x-throttled": "1"})),
        (rules({"means": "later", "status": ["5xx"], "at": "busy"}), httpx.Response(500, json={"busy": True})),
    ],
)
def test_a_throttle_in_any_form_cools_everybody_down_and_the_call_is_made_again(
    changes: Mapping[str, Any], throttle: httpx.Response
) -> None:
    turns = FakeTurns()
    assert submitted(changes, throttle, TAKEN, turns=turns) == "job-1"
    assert turns.told == ["take", "answered", ("refused", None), "take", "answered", "succeeded"]


@pytest.mark.parametrize(
    ("changes", "answer", "job_id"),
    [
        (
            {"job_id": {"header": "Location"}, **rules({"means": "accepted", "status": ["303"]})},
            httpx.Response(303, headers={"Location": "/jobs/job-1"}),
            "job-1",
        ),
        (
            rules({"means": "accepted", "status": ["409"], "at": "error.job", "job_id": "error.job"}),
            httpx.Response(409, json={"error": {"job": 7}}),
            "7",
        ),
        (
            rules({"means": "accepted", "status": ["409"], "job_id": {"header": "X-Job"}}),
            httpx.Response(409, headers={"X-Job": "job-2"}),
            "job-2",
        ),
    ],
)
def test_a_job_is_found_where_the_vendor_says_it_is(
    changes: Mapping[str, Any], answer: httpx.Response, job_id: str
) -> None:
    assert submitted(changes, answer) == job_id


def test_a_body_that_says_error_under_200_is_a_refusal_in_the_vendors_own_words() -> None:
    answer = httpx.Response(200, json={"success": False, "error": "uuid must be unique", "id": "x"})
    with pytest.raises(FailTask) as failed:
        submitted(rules({"means": "refused", "at": "success", "words": ["false"]}), answer)
    assert failed.value.code is ErrorCode.VENDOR_REJECTED
    assert "uuid must be unique" in failed.value.cause


def test_a_key_in_use_is_too_early_and_no_refusal_under_every_policy() -> None:
    at_work = rules({"means": "in_doubt", "status": ["409"], "at": "code", "words": ["idempotency_key_in_use"]})
    turns = FakeTurns()
    assert submitted(at_work, LOST, *[IN_USE] * (REFUSALS_BELIEVED + 1), TAKEN, turns=turns) == "job-1"
    assert turns.told.count("failed") == 1, "only the silence counts against the circuit"
    missing = [RetryLater("not there", retry_after_s=0)]

    def asked() -> str:
        if missing:
            raise missing.pop()
        return "job-1"

    assert submitted({**ASKING, **at_work}, LOST, IN_USE, ask=asked) == "job-1"
    with pytest.raises(FailTask) as failed:
        submitted({"ambiguity": "reject", **at_work}, IN_USE)
    assert failed.value.code is ErrorCode.VENDOR_UNAVAILABLE


def test_a_vendor_that_can_be_asked_is_asked_for_the_id_that_its_acceptance_does_not_tell() -> None:
    assert submitted(ASKING, httpx.Response(200, json={}), ask=lambda: "job-1") == "job-1"
    never = [RetryLater("not there", retry_after_s=0)] * 9

    def says_no() -> str:
        raise never.pop()

    with pytest.raises(FailTask) as failed:
        submitted(ASKING, httpx.Response(200, json={}), ask=says_no)
    assert failed.value.code is ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert len(never) == 9 - REFUSALS_BELIEVED


def polled(changes: Mapping[str, Any], answer: httpx.Response, age_s: float = 60) -> Standing:
    return finding_of(Poll.from_document({**POLL, **changes}), answer, age_s).standing


def test_a_404_too_early_is_no_end_and_one_with_a_reason_is() -> None:
    early = rules({"means": "pending", "status": ["404"], "within_s": 30})
    assert polled(early, httpx.Response(404), age_s=30) is Standing.PENDING
    assert polled(early, httpx.Response(404), age_s=31) is Standing.UNKNOWN
    reasons = rules(
        {"means": "gone", "status": ["404"], "at": "code", "words": ["expired"]},
        {"means": "pending", "status": ["404"]},
    )
    assert polled(reasons, httpx.Response(404, json={"code": "expired"})) is Standing.UNKNOWN
    assert polled(reasons, httpx.Response(404, json={"code": "unknown"})) is Standing.PENDING


@pytest.mark.parametrize("changes", [rules({"means": "failed", "status": ["500"]}), {"failure": ["500"]}])
def test_a_500_that_is_the_jobs_failure_does_not_count_against_the_circuit(changes: Mapping[str, Any]) -> None:
    turns = FakeTurns()
    poll = Poll.from_document({**POLL, **changes})
    finding = ask(FakeVendor(httpx.Response(500)).proxy(), poll, "job-1", turns, 60)
    assert (finding.standing, finding.status) == (Standing.FAILED, "500")
    assert turns.told == ["take", "answered", "succeeded"]
    with pytest.raises(InDoubt):
        ask(FakeVendor(httpx.Response(502)).proxy(), poll, "job-1", turns, 60)
    assert turns.told[-1] == "failed"


def test_a_throttle_of_polls_is_asked_again_behind_its_cool_down() -> None:
    turns = FakeTurns()
    poll = Poll.from_document({**POLL, "throttled": ["403"]})
    throttle = httpx.Response(403, headers={"Retry-After": "60"}, json={"message": "secondary rate limit"})
    with pytest.raises(RetryLater) as later:
        ask(FakeVendor(throttle).proxy(), poll, "job-1", turns, 60)
    assert later.value.retry_after_s == 60
    assert turns.told == ["take", "answered", ("refused", 60)]


def test_a_result_that_is_not_there_yet_is_fetched_again_without_a_cool_down() -> None:
    place = result_from_document(
        {"path": "/v1/jobs/{job_id}/result", "timeout_s": 5, **rules({"means": "pending", "status": ["202", "404"]})}
    )
    assert isinstance(place, Fetched)
    turns = FakeTurns()
    with pytest.raises(RetryLater):
        fetched(FakeVendor(httpx.Response(202)).proxy(), "acme", place, "job-1", turns)
    assert turns.told == ["take", "answered", "succeeded"]
    assert fetched(FakeVendor(httpx.Response(200, json={"n": 1})).proxy(), "acme", place, "job-1", turns) == {"n": 1}


RULES = st.builds(
    AnswerRule,
    st.sampled_from(Meaning),
    st.frozensets(st.sampled_from(("200", "404", "4xx", "5xx")), max_size=2),
    st.none() | st.sampled_from(("code", "id")),
    st.none(),
    st.frozensets(st.sampled_from(("a", "b")), max_size=2),
)
ANSWERS = st.builds(
    httpx.Response,
    st.sampled_from((200, 404, 409, 500)),
    json=st.dictionaries(st.sampled_from(("code", "id")), st.sampled_from(("a", "b", "c", 7))),
)


@given(found=st.lists(RULES, max_size=4), answer=ANSWERS)
def test_a_rule_that_is_never_met_is_met_by_no_answer_and_each_answer_has_one_meaning(
    found: list[AnswerRule], answer: httpx.Response
) -> None:
    first = met([*found, *DEFAULTS["submit"]], answer)
    assert first is not None
    dead = {index for index, _ in never_met(found)}
    assert not any(index in dead for index, rule in enumerate(found) if rule is first.rule)


def test_what_answers_mean_where_nothing_is_said_is_as_ever() -> None:
    means = {code: met(DEFAULTS["submit"], httpx.Response(int(code))) for code in CODES if code >= "200"}
    assert {code for code, found in means.items() if found and found.rule.means is Meaning.LATER} == {"429"}
    assert all(found and (found.rule.means is Meaning.IN_DOUBT) is (code[0] == "5") for code, found in means.items())
    assert all(found and (found.rule.means is Meaning.ACCEPTED) is (code[0] == "2") for code, found in means.items())
