"""The jobs table: job ID and answer come in either order, and whoever is second has both."""

import json

import pytest
from headway_lane.contract.paths import IDENTIFIER_BYTES
from headway_lane.ledger.jobs import JOB_TTL_S, Parked
from headway_lane.ledger.record import Answer, Call, CallAttribute, JobAttribute
from headway_lane.ledger.store import Ledger
from headway_lane.messages.claim import CARRIED_BYTES
from headway_lane.runtime.errors import ErrorCode, FailTask

from tests.unit.headway_lane.calls import TTL_S, accepted
from tests.unit.headway_lane.fakes import CALL_ID, NOW_MS, TOKEN, RepeatingTable, Tables, WallClock, request_of

ANSWER = Answer("job-1", True, "succeeded", '{"id": "job-1", "output": "Grüße"}')
OTHER = Answer("job-1", False, "failed", "{}")


@pytest.fixture
def call(ledger: Ledger) -> Call:
    """Return the call whose job the vendor has taken."""
    return accepted(ledger)


def of_tenant(ledger: Ledger, name: str, tenant: str) -> Call:
    return ledger.enqueue(request_of(name), tenant, TTL_S)


def test_the_answer_joins_where_the_call_was_there_first(ledger: Ledger, call: Call) -> None:
    assert ledger.join_call(call, "job-1") is None
    assert ledger.join_answer("acme", ANSWER) == Parked((CALL_ID,), True, ANSWER)


def test_the_call_joins_where_the_answer_was_there_first(ledger: Ledger, call: Call) -> None:
    assert ledger.join_answer("acme", ANSWER) == Parked((), True, ANSWER)
    assert ledger.join_call(call, "job-1") == ANSWER


def test_a_repeated_join_of_the_call_sees_the_answer_again(ledger: Ledger, call: Call) -> None:
    ledger.join_answer("acme", ANSWER)
    assert [ledger.join_call(call, "job-1") for _ in range(2)] == [ANSWER, ANSWER]


def test_a_second_answer_changes_nothing_and_learns_the_first_word_and_whose_it_is(
    ledger: Ledger, call: Call, tables: Tables, wall_clock: WallClock
) -> None:
    ledger.join_call(call, "job-1")
    ledger.join_answer("acme", ANSWER)
    before = tables.jobs.scan()["Items"]
    wall_clock.now_ms += 1_000
    assert ledger.join_answer("acme", OTHER) == Parked((CALL_ID,), False, ANSWER)
    assert tables.jobs.scan()["Items"] == before


def test_a_second_answer_to_an_unknown_job_is_a_duplicate_for_nobody(ledger: Ledger) -> None:
    ledger.join_answer("acme", ANSWER)
    assert ledger.join_answer("acme", OTHER) == Parked((), False, ANSWER)


def test_halves_whose_responses_were_lost_are_joined_once_the_requests_are_repeated(
    ledger: Ledger, call: Call, tables: Tables, wall_clock: WallClock
) -> None:
    repeating = Ledger(tables.calls, RepeatingTable(tables.jobs).table(), wall_clock)
    assert repeating.join_call(call, "job-1") is None
    parked = repeating.join_answer("acme", ANSWER)
    assert (parked.call_ids, parked.answer) == ((CALL_ID,), ANSWER)
    assert ledger.answer_of_job("acme", "job-1") == ANSWER


def test_one_job_answers_all_the_calls_of_a_tenant_that_the_vendor_took_for_one(ledger: Ledger, call: Call) -> None:
    other = of_tenant(ledger, "call-2", call.tenant)
    assert ledger.join_call(call, "job-1") is None
    assert ledger.join_call(other, "job-1") is None
    both = tuple(sorted((call.call_id, other.call_id)))
    assert ledger.calls_of_job("acme", "job-1") == both
    assert ledger.join_answer("acme", ANSWER).call_ids == both
    late = of_tenant(ledger, "call-3", call.tenant)
    assert ledger.join_call(late, "job-1") == ANSWER


@pytest.mark.parametrize("tenant", ["tenant-2", ""])
@pytest.mark.parametrize("answered", [True, False])
def test_a_job_of_one_tenant_is_refused_to_every_other(
    ledger: Ledger, call: Call, tables: Tables, tenant: str, answered: bool
) -> None:
    ledger.join_call(call, "job-1")
    if answered:
        ledger.join_answer("acme", ANSWER)
    before = tables.jobs.scan()["Items"]
    with pytest.raises(FailTask) as refused:
        ledger.join_call(of_tenant(ledger, "call-2", tenant), "job-1")
    assert refused.value.code is ErrorCode.VENDOR_ANSWER_UNREADABLE
    assert refused.value.cause == "acme answered with job job-1, which is another tenant's"
    assert tables.jobs.scan()["Items"] == before


def test_calls_without_a_tenant_are_of_one(ledger: Ledger) -> None:
    calls = [of_tenant(ledger, name, "") for name in ("call-1", "call-2")]
    for call in calls:
        assert ledger.join_call(call, "job-1") is None
    assert len(ledger.calls_of_job("acme", "job-1")) == 2


def test_a_job_that_version_1_has_written_answers_its_one_call(ledger: Ledger, call: Call, tables: Tables) -> None:
    tables.jobs.put_item(Item={JobAttribute.JOB_KEY: "acme#job-1", JobAttribute.CALL_ID: "named-by-version-1"})
    assert ledger.calls_of_job("acme", "job-1") == ("named-by-version-1",)
    assert ledger.join_call(call, "job-1") is None
    assert set(ledger.join_answer("acme", ANSWER).call_ids) == {"named-by-version-1", CALL_ID}


def test_the_largest_answer_fits_into_its_item(ledger: Ledger, call: Call) -> None:
    job_id, body = "\x00" * IDENTIFIER_BYTES, json.dumps("x" * (CARRIED_BYTES - 6))
    assert len(json.dumps(body)) == CARRIED_BYTES
    ledger.join_call(call, job_id)
    assert ledger.join_answer("acme", Answer(job_id, True, "s" * 100, body)).first


def test_a_job_id_belongs_to_one_vendor_only(ledger: Ledger, call: Call) -> None:
    ledger.join_call(call, "job-1")
    assert ledger.calls_of_job("acme", "job-1") == (CALL_ID,)
    assert ledger.calls_of_job("other", "job-1") == ()
    assert ledger.join_answer("other", ANSWER) == Parked((), True, ANSWER)


def test_a_job_of_which_only_the_answer_is_known_has_no_call(ledger: Ledger) -> None:
    ledger.join_answer("acme", ANSWER)
    assert ledger.calls_of_job("acme", "job-1") == ()


def test_both_halves_are_kept_until_no_vendor_redelivers_any_more(ledger: Ledger, call: Call, tables: Tables) -> None:
    ledger.join_answer("acme", ANSWER)
    ledger.join_call(call, "job-1")
    (item,) = tables.jobs.scan()["Items"]
    assert json.loads(str(item.pop("answer")))["body"] == ANSWER.body
    assert item == {
        "job_key": "acme#job-1",
        "call_ids": {CALL_ID},
        "tenant": call.tenant,
        "answered_epoch_ms": NOW_MS,
        "expires_epoch_s": NOW_MS // 1_000 + JOB_TTL_S,
        "format_version": 2,
    }


def test_the_task_token_is_in_one_attribute_that_is_no_key(ledger: Ledger, call: Call, tables: Tables) -> None:
    ledger.join_call(call, "job-1")
    ledger.join_answer("acme", ANSWER)
    holders = {
        name
        for item in (*tables.calls.scan()["Items"], *tables.jobs.scan()["Items"])
        for name, value in item.items()
        if TOKEN in str(value)
    }
    keys = {part["AttributeName"] for table in (tables.calls, tables.jobs) for part in table.key_schema}
    assert holders == {CallAttribute.WAITER}
    assert keys == {CallAttribute.CALL_ID, JobAttribute.JOB_KEY}


def test_records_and_requests_do_not_show_their_token_when_they_are_printed(ledger: Ledger, call: Call) -> None:
    assert TOKEN not in repr(ledger.find(call.call_id))
    assert TOKEN not in repr(request_of())
