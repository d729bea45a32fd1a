"""The jobs table: job ID and answer come in either order, and exactly one of their writers is the joiner."""

import json

from headway_lane.contract.paths import IDENTIFIER_BYTES
from headway_lane.ledger.record import Answer, CallAttribute, JobAttribute
from headway_lane.ledger.store import JOB_TTL_S, Ledger, Parked
from headway_lane.messages.claim import CARRIED_BYTES

from tests.unit.headway_lane.fakes import NOW_MS, TOKEN, Tables, WallClock, request_of

ANSWER = Answer("job-1", True, "succeeded", '{"id": "job-1", "output": "Grüße"}')


def test_the_answer_joins_where_the_call_was_there_first(ledger: Ledger) -> None:
    assert ledger.join_call("acme", "job-1", "call-1") is None
    assert ledger.join_answer("acme", ANSWER) == Parked("call-1", first=True)


def test_the_call_joins_where_the_answer_was_there_first(ledger: Ledger) -> None:
    assert ledger.join_answer("acme", ANSWER) == Parked(None, first=True)
    assert ledger.join_call("acme", "job-1", "call-1") == ANSWER


def test_a_repeated_join_of_the_call_sees_the_answer_again(ledger: Ledger) -> None:
    ledger.join_answer("acme", ANSWER)
    assert [ledger.join_call("acme", "job-1", "call-1") for _ in range(2)] == [ANSWER, ANSWER]


def test_a_second_answer_changes_nothing_and_still_learns_whose_it_is(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    ledger.join_call("acme", "job-1", "call-1")
    ledger.join_answer("acme", ANSWER)
    before = tables.jobs.scan()["Items"]
    wall_clock.now_ms += 1_000
    other = Answer("job-1", False, "failed", "{}")
    assert ledger.join_answer("acme", other) == Parked("call-1", first=False)
    assert tables.jobs.scan()["Items"] == before


def test_the_largest_answer_fits_into_its_item(ledger: Ledger) -> None:
    job_id, body = "\x00" * IDENTIFIER_BYTES, json.dumps("x" * (CARRIED_BYTES - 6))
    assert len(json.dumps(body)) == CARRIED_BYTES
    ledger.join_call("a" * 31, job_id, "c" * 80)
    assert ledger.join_answer("a" * 31, Answer(job_id, True, "s" * 100, body)).first


def test_a_second_answer_to_an_unknown_job_is_a_duplicate_for_nobody(ledger: Ledger) -> None:
    ledger.join_answer("acme", ANSWER)
    assert ledger.join_answer("acme", ANSWER) == Parked(None, first=False)


def test_a_job_id_belongs_to_one_vendor_only(ledger: Ledger) -> None:
    ledger.join_call("acme", "job-1", "call-1")
    assert ledger.call_of_job("acme", "job-1") == "call-1"
    assert ledger.call_of_job("other", "job-1") is None
    assert ledger.join_answer("other", ANSWER) == Parked(None, first=True)


def test_a_job_of_which_only_the_answer_is_known_has_no_call(ledger: Ledger) -> None:
    ledger.join_answer("acme", ANSWER)
    assert ledger.call_of_job("acme", "job-1") is None


def test_both_halves_are_kept_until_no_vendor_redelivers_any_more(ledger: Ledger, tables: Tables) -> None:
    ledger.join_answer("acme", ANSWER)
    ledger.join_call("acme", "job-1", "call-1")
    (item,) = tables.jobs.scan()["Items"]
    assert json.loads(str(item.pop("answer")))["body"] == ANSWER.body
    assert item == {
        "job_key": "acme#job-1",
        "call_id": "call-1",
        "answered_epoch_ms": NOW_MS,
        "expires_epoch_s": NOW_MS // 1_000 + JOB_TTL_S,
        "format_version": 1,
    }


def test_the_task_token_is_in_one_attribute_that_is_no_key(ledger: Ledger, tables: Tables) -> None:
    ledger.enqueue(request_of(), 3_600)
    ledger.begin("call-1", "owner-1", 40)
    ledger.accept("call-1", "job-1")
    ledger.join_call("acme", "job-1", "call-1")
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


def test_records_and_requests_do_not_show_their_token_when_they_are_printed(ledger: Ledger) -> None:
    ledger.enqueue(request_of(), 3_600)
    assert TOKEN not in repr(ledger.find("call-1"))
    assert TOKEN not in repr(request_of())
