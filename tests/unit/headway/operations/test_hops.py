"""The hops of a call, from its records, the events of its executions, and lines of logs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from headway_lane.ledger.record import CallState

from headway.operations.calls import KnownCall
from headway.operations.hops import STANDING, Hop, Source, execution_hops, ledger_hops, log_hop, ordered


def known(record: dict[str, Any], job: dict[str, Any] | None = None) -> KnownCall:
    return KnownCall("acme", "call-1", "arn:execution:a", record, job or {})


def told(record: dict[str, Any], job: dict[str, Any] | None = None) -> list[tuple[int, str, str]]:
    return [(hop.at_epoch_ms, hop.hop, hop.told) for hop in ordered(ledger_hops(known(record, job)))]


def test_a_finished_call_has_its_times_from_both_tables_in_order() -> None:
    times = {"queued": 1, "dispatching": 2, "sending": 3, "accepted": 4, "answered": 6, "resumed": 7}
    record = {"state": "resumed", "job_id": "j-1", **{f"{state}_epoch_ms": at for state, at in times.items()}}
    job = {"answered_epoch_ms": 5, "answer": json.dumps({"status": "succeeded"})}
    assert told(record, job) == [
        (1, "taken from its queue", ""),
        (2, "begun by a caller", ""),
        (3, "sent to the vendor", ""),
        (4, "accepted by the vendor", "job j-1"),
        (5, "answer came", "job j-1 is succeeded"),
        (6, "answer matched", ""),
        (7, "task resumed", ""),
    ]


@pytest.mark.parametrize(
    ("record", "last"),
    [
        (
            {"state": "rejected", "rejected_epoch_ms": 9, "error": "Vendor.Rejected", "cause": "HTTP 401"},
            (9, "rejected", "Vendor.Rejected: HTTP 401"),
        ),
        (
            {"state": "expired", "expired_epoch_ms": 9, "cause": "the task had ended"},
            (9, "dropped", "the task had ended"),
        ),
        (
            {"state": "late", "late_epoch_ms": 9, "error": "Vendor.JobFailed"},
            (9, "answer came late", "Vendor.JobFailed"),
        ),
        (
            {"state": "queued", "queued_epoch_ms": 9, "doubtful": True},
            (9, "taken from its queue", "nobody knows whether the vendor has it"),
        ),
    ],
)
def test_how_a_call_ended_is_told_with_the_reason(record: dict[str, Any], last: tuple[int, str, str]) -> None:
    assert told({"dispatching_epoch_ms": 5, **record})[-1] == last


def test_every_state_has_words() -> None:
    assert set(STANDING) == {None, *CallState}
    assert len(list(ledger_hops(known({f"{state}_epoch_ms": 1 for state in CallState} | {"state": "late"})))) == len(
        CallState
    )


def event(number: int, kind: str, previous: int | None = None, **details: Any) -> dict[str, Any]:
    moment = datetime.fromtimestamp(number, tz=UTC)
    before = {} if previous is None else {"previousEventId": previous}
    return {"id": number, "type": kind, "timestamp": moment, **before, **details}


def entered(number: int, state: str, previous: int | None = None) -> dict[str, Any]:
    return event(number, "TaskStateEntered", previous, stateEnteredEventDetails={"name": state})


def test_an_execution_tells_of_the_state_that_asked_and_of_its_own_beginning_and_end() -> None:
    events = [
        event(1, "ExecutionStarted", 0),
        entered(2, "CallVendor", 1),
        event(3, "TaskScheduled", 2),
        event(4, "TaskFailed", 3, taskFailedEventDetails={"error": "Vendor.Rejected"}),
        entered(5, "FetchResult", 4),
        event(6, "TaskScheduled", 5),
        event(7, "ExecutionRedriven", 6),
    ]
    assert list(execution_hops("a", events, "CallVendor")) == [
        Hop(1_000, "execution started", "a", Source.EXECUTION),
        Hop(3_000, "asked for", "a CallVendor", Source.EXECUTION),
        Hop(4_000, "task has failed", "a CallVendor: Vendor.Rejected", Source.EXECUTION),
        Hop(7_000, "execution redriven", "a", Source.EXECUTION),
    ]
    assert len(list(execution_hops("a", events, None))) == 5


@pytest.mark.parametrize("chained", [True, False])
def test_of_a_map_only_the_item_of_the_call_is_told(chained: bool) -> None:
    """A history may lack `previousEventId`: then nobody knows whose an event is, and all are told."""
    events: list[dict[str, Any]] = []
    for item in range(3):
        begin = 10 * (item + 1)
        before = [1, begin, begin + 1] if chained else [None] * 3
        events += [
            event(begin, "MapIterationStarted", before[0], mapIterationStartedEventDetails={"index": item}),
            entered(begin + 1, "Ask", before[1]),
            event(begin + 2, "TaskSubmitted", before[2]),
        ]
    expected = [22_000] if chained else [12_000, 22_000, 32_000]
    assert [hop.at_epoch_ms for hop in execution_hops("a", events, "Ask/1")] == expected
    assert len(list(execution_hops("a", events, "Ask"))) == 3
    assert len(list(execution_hops("a", events, "Ask/by-name"))) == 3


def test_a_log_line_has_its_own_time_and_what_it_says_beside_its_phrase() -> None:
    line = {
        "level": "INFO",
        "message": "call made",
        "timestamp": "2026-12-01 03:30:43,123+0000",
        "service": "headway",
        "call_id": "call-1",
        "outcome": "accepted",
        "error": None,
        "missed_count": 0,
    }
    moment = datetime(2026, 12, 1, 3, 30, 43, 123_000, tzinfo=UTC)
    at = round(moment.timestamp() * 1_000)
    assert log_hop(json.dumps(line), 5) == Hop(at, "call made", "outcome=accepted, missed_count=0", Source.LOG)
    assert log_hop(json.dumps({**line, "timestamp": "?"}), 5) == Hop(
        5, "call made", "outcome=accepted, missed_count=0", Source.LOG
    )


@pytest.mark.parametrize("text", ["START RequestId: 1", "[]", "{}", '"call-1"'])
def test_what_is_no_line_of_ours_is_no_hop(text: str) -> None:
    assert log_hop(text, 5) is None
