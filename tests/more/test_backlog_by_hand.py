"""The same backlog, started all at once by hand: nothing keeps it outside, so most tasks end before their turn. The
vendor is not called for one of those, and nothing of them is left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pytest
from headway_lane.ledger.record import CallAttribute, CallState

from headway.simulator.vendor_report import VendorReport
from headway.testing.executions import STARTERS
from headway.testing.laboratory import Laboratory
from headway.testing.paced import call
from headway.testing.waiting import until
from tests.more.short_patience import CALLS_COUNT, short_patience_laboratory

TASK_ENDS: Final = ("TaskSucceeded", "TaskFailed", "TaskTimedOut")
TAG: Final = "n"
SETTLING_S: Final = 120
"""From the end of the last execution until nothing is left: a second, and more on a machine that is busy."""


@dataclass(frozen=True)
class Ended:
    """How an execution ended, and its first task, which asked for the call: by which event, and when."""

    status: str
    error: str | None
    task_end: str
    task_end_epoch_ms: float


@dataclass(frozen=True)
class Seen:
    """Executions by the number in their payload, what the vendor saw with the numbers in the order of acceptance, and
    what was left in the end: messages by queue, calls by state, dispatches that still ran.
    """

    ends: Mapping[int, Ended]
    report: VendorReport
    numbers: list[int]
    messages: Mapping[str, int]
    states: Counter[str]
    dispatches_count: int

    @property
    def served(self) -> set[int]:
        """The calls that succeeded."""
        return {number for number, end in self.ends.items() if end.status == "SUCCEEDED"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with short_patience_laboratory(tmp_path_factory.mktemp("by-hand")) as lab:
        arns = lab.start_all({f"by-hand-{number}": call({TAG: number}) for number in range(CALLS_COUNT)})
        lab.ends_of(arns, pause_s=2)
        with suppress(AssertionError):  # a test below says what is left
            until(lambda: not sum(left(lab).values()) and not dispatches_count(lab), SETTLING_S)
        report, numbers = lab.vendor.tagged_report(TAG)
        with ThreadPoolExecutor(STARTERS) as pool:
            ends = dict(enumerate(pool.map(lambda arn: end_of(lab, arn), arns)))
        states = Counter(item[CallAttribute.STATE] for item in lab.records(lab.lane.calls_table))
        yield Seen(ends, report, numbers, left(lab), states, dispatches_count(lab))


def left(lab: Laboratory) -> Mapping[str, int]:
    """Count the messages of each queue of the lane, dead letters too."""
    lane, callbacks = lab.lane, lab.callbacks
    queues = {
        "requests": lane.request_queue_url,
        "results": lane.results_queue_url,
        "callbacks": callbacks.queue_url,
        "dead requests": lane.request_dlq_url,
        "dead callbacks": callbacks.dlq_url,
    }
    return {name: lab.backlog(url) for name, url in queues.items()}


def dispatches_count(lab: Laboratory) -> int:
    """Count the executions of `dispatch_call` that go on."""
    client = lab.target.client("stepfunctions")
    running = client.list_executions(stateMachineArn=lab.lane.dispatch_machine_arn, statusFilter="RUNNING")
    return len(running["executions"])


def end_of(lab: Laboratory, arn: str) -> Ended:
    """Return how an execution ended, and its first task."""
    found = lab.execution(arn)
    pages = lab.target.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    events: list[Any] = [event for page in pages for event in page["events"]]
    first = next(event for event in events if event["type"] in TASK_ENDS)
    return Ended(found["status"], found.get("error"), first["type"], first["timestamp"].timestamp() * 1_000)


def test_no_call_comes_to_the_vendor_after_its_task_has_ended(seen: Seen) -> None:
    submit = seen.report.scopes["submit"]
    assert submit.call_count == len(seen.numbers), "each arrival was a job, so they are in one order"
    arrivals = zip(seen.numbers, submit.arrivals_epoch_ms, strict=True)
    dead = [number for number, at_ms in arrivals if at_ms > seen.ends[number].task_end_epoch_ms]
    assert dead == [], f"{len(dead)} of {submit.call_count} calls were for nobody"


def test_who_was_called_for_has_its_answer_and_the_contract_held(seen: Seen) -> None:
    assert set() < seen.served <= set(seen.numbers)
    assert seen.report.payload_submitted_twice_count == 0
    submit = seen.report.scopes["submit"]
    assert (submit.violation_count, submit.refused_count) == (0, 0)


def test_what_could_not_be_served_ends_by_the_name_of_its_own_task(seen: Seen) -> None:
    others = [end for number, end in seen.ends.items() if number not in seen.served]
    assert len(others) >= CALLS_COUNT // 4, "the backlog was far too long for its patience"
    assert {(end.status, end.error, end.task_end) for end in others} == {("FAILED", "States.Timeout", "TaskTimedOut")}


def test_nothing_is_left_hanging(seen: Seen) -> None:
    assert set(seen.messages.values()) == {0}, seen.messages
    assert seen.dispatches_count == 0
    assert seen.states.keys() <= {CallState.RESUMED, CallState.EXPIRED, CallState.LATE}, seen.states
    assert (seen.states.total(), seen.states[CallState.RESUMED]) == (CALLS_COUNT, len(seen.served))
