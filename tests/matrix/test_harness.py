"""The harness itself: faults have the effects that they say, and what a run breaks is seen."""

from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from headway_lane.contract.exchange import Ambiguity

from tests.matrix.cells import cells, quietly, recorded
from tests.matrix.driver import Driver
from tests.matrix.faults import Call, Fault, Killed, Kind
from tests.matrix.invariants import violations
from tests.matrix.network import Network, connected
from tests.matrix.recording import Invocation, Recording
from tests.matrix.storage import Storage
from tests.matrix.stories import STORIES, Said, Story
from tests.matrix.world import World, showing

PUT: Final = Call("caller", "dynamodb.PutItem", "Calls", 1)
BROKEN: Final = {
    Kind.UNREACHED: ConnectTimeoutError,
    Kind.LOST: ClientError,  # the repeat fails the condition that the first attempt has met
    Kind.LOST_FOR_GOOD: ReadTimeoutError,
    Kind.THROTTLED: ClientError,
    Kind.KILLED_BEFORE: Killed,
    Kind.KILLED_AFTER: Killed,
}
DONE: Final = {Kind.LOST, Kind.LOST_FOR_GOOD, Kind.KILLED_AFTER}


class Bench:
    """A function that puts an item once, where there is none, under a fault."""

    def __init__(self, kind: Kind) -> None:
        self.struck: list[Fault] = []
        self.world = World()
        self.recording = Recording(self.world, Fault(PUT, kind), lambda fault, invocation: self.struck.append(fault))
        self.network = Network(self.world, self.recording, {})

    def put(self) -> None:
        client: Any = boto3.client("dynamodb")
        item = {"call_id": {"S": "call-1"}}
        client.put_item(TableName="Calls", Item=item, ConditionExpression="attribute_not_exists(call_id)")


@pytest.fixture(params=Kind)
def bench(request: pytest.FixtureRequest) -> Iterator[tuple[Kind, Bench, Storage]]:
    made = Bench(request.param)
    with connected(made.network), showing(made.world):
        storage = Storage()
        made.recording.running.append(Invocation("caller", made.world.now_us + 60_000_000))
        yield request.param, made, storage


def test_a_call_fails_as_its_fault_says_and_its_effect_is_there_or_not(bench: tuple[Kind, Bench, Storage]) -> None:
    kind, made, storage = bench
    with pytest.raises(BROKEN[kind]):
        made.put()
    assert bool(storage.items("Calls")) == (kind in DONE)
    assert {fault.kind for fault in made.struck} == {kind}
    assert made.recording.calls == [PUT], "the attempts of the SDK are one call"


def test_what_is_dead_has_no_effect_any_more_and_what_lives_can_go_on(bench: tuple[Kind, Bench, Storage]) -> None:
    kind, made, storage = bench
    with pytest.raises(BROKEN[kind]):
        made.put()
    made.recording.fault = None
    if kind is Kind.KILLED_BEFORE:
        with pytest.raises(Killed):
            made.put()
        assert storage.items("Calls") == []
    elif kind not in DONE:
        made.put()
        assert len(storage.items("Calls")) == 1


@pytest.mark.parametrize("policy", Ambiguity)
@pytest.mark.parametrize("name", STORIES)
def test_where_nothing_fails_nothing_is_broken_and_every_function_is_seen(policy: Ambiguity, name: str) -> None:
    run = quietly(Driver(policy, STORIES[name]))
    assert violations(run) == []
    assert run.workers.failed_count == 0


def test_a_run_makes_the_same_calls_every_time() -> None:
    again = quietly(Driver(Ambiguity.ASK, STORIES["doubted"]))
    assert tuple(again.recording.calls) == recorded(Ambiguity.ASK, "doubted")


def test_every_function_has_cells_and_a_kill_of_each_call_is_among_them() -> None:
    faults = [cell.fault for name in ("limited", "refused") for cell in cells(Ambiguity.REJECT, name)]
    assert {fault.call.function for fault in faults} == {"dispatcher", "caller", "callback", "results", "settler"}
    assert {fault.call for fault in faults} == {fault.call for fault in faults if fault.kind is Kind.KILLED_BEFORE}


def test_a_call_that_nobody_answers_is_seen_as_hung() -> None:
    run = quietly(Driver(Ambiguity.RETRY, Story(calls_back=False)))
    assert violations(run) == ["hung"]


def test_a_job_that_is_made_twice_is_seen() -> None:
    forgetful = Story({"submit.idempotency_header": "X-Key-Of-Another-Vendor"}, says=(Said.SILENT,))
    assert violations(quietly(Driver(Ambiguity.RETRY, forgetful))) == ["doubled"]


def test_a_wrong_end_and_a_permit_that_is_kept_are_seen() -> None:
    run = quietly(Driver(Ambiguity.RETRY, STORIES["limited"]))
    run.ending.error = "Vendor.Rejected"
    run.storage.items("Budgets")
    assert violations(run) == ["ended as Vendor.Rejected"]
    run.ending.error, run.ending.at_us = None, 0
    assert violations(run) == ["sent for nobody"]
    run.ending.at_us = None
    assert violations(run) == ["never ends"]


def test_a_fault_that_does_not_strike_is_seen() -> None:
    nowhere = Fault(Call("caller", "dynamodb.DeleteTable", "Calls", 1), Kind.LOST)
    assert violations(quietly(Driver(Ambiguity.RETRY, STORIES["fetched"], nowhere))) == [
        "not struck: the run without a fault went another way"
    ]
