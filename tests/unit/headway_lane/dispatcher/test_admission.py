"""In-flight permits in the dispatcher: it takes none, and starts few more calls than find room, with patience."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher import handler
from headway_lane.dispatcher.admission import (
    ADMISSION_PATIENCE_US,
    LEAST_READY_COUNT,
    POLL_US,
    STARTING_US,
    UNLIMITED,
    BatchAdmission,
    Starting,
    admission_of,
)
from headway_lane.limiter.core.calling import FULL_REQUEUE_S, InFlightFull
from headway_lane.limiter.in_flight import InFlight
from headway_lane.limiter.pace import Starts
from headway_lane.messages.identity import call_id_of
from headway_lane.runtime.names import Environment

from tests.unit.headway_lane.fakes import (
    NOW_MS,
    ORIGIN,
    TENANT,
    FakeSqs,
    VirtualClock,
    Worker,
    metrics,
    place_of,
    request_body,
    request_of,
    sqs_record,
    vendor_of,
)
from tests.unit.headway_lane.memory_stores import MemoryInFlightStore

LIMITS = [{"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"}]
BUDGET = "acme#in_flight"


def limited(count: int) -> Vendor:
    return vendor_of({"limits": [*LIMITS, {"quantity": "jobs_in_flight", "amount": count}]})


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW_MS * 1_000)


@pytest.fixture
def store() -> MemoryInFlightStore:
    return MemoryInFlightStore()


def in_flight(store: MemoryInFlightStore, clock: VirtualClock, limit: int) -> InFlight:
    return InFlight(store, "acme", limit, 1_000, clock.epoch_us)


def admission(store: MemoryInFlightStore, clock: VirtualClock, limit: int) -> BatchAdmission:
    return BatchAdmission(in_flight(store, clock, limit), Starting(clock.epoch_us), clock.sleep_us)


def started_count(batch: BatchAdmission, clock: VirtualClock, call_ids: Iterable[str]) -> int:
    """Let calls through until one has to wait; returns how many had not."""
    for count, call_id in enumerate(call_ids):
        before_us = clock.now_us
        batch.admit(call_id)
        if clock.now_us > before_us:
            return count
    raise AssertionError("nobody waited")


NAMES = {call_id_of(place_of(name), TENANT): name for name in "abcde"}
"""The executions of the calls, which are easier to read."""


def held(store: MemoryInFlightStore) -> str:
    return "".join(sorted(NAMES.get(call_id, call_id) for call_id in store.budgets.get(BUDGET, {})))


def test_without_a_limit_nothing_is_asked(clock: VirtualClock) -> None:
    assert admission_of(lambda vendor: None, clock.epoch_us, clock.sleep_us)(vendor_of()) is UNLIMITED


@pytest.mark.parametrize(("limit", "ready"), [(1, LEAST_READY_COUNT), (10, LEAST_READY_COUNT), (40, 4)])
def test_a_few_more_calls_are_started_than_there_is_room_for_and_nothing_is_taken(
    store: MemoryInFlightStore, clock: VirtualClock, limit: int, ready: int
) -> None:
    calls = (f"call-{number}" for number in range(100))
    assert started_count(admission(store, clock, limit), clock, calls) == limit + ready
    assert held(store) == ""


def test_who_holds_an_in_flight_permit_and_was_started_here_counts_once(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    batch = admission(store, clock, 2)
    for call_id in "abc":
        batch.admit(call_id)
    for call_id in "ab":
        in_flight(store, clock, 2).acquire(call_id)
    assert started_count(batch, clock, "defgh") == 1, "two hold one, two are on their way"


def test_calls_that_others_have_in_flight_count(store: MemoryInFlightStore, clock: VirtualClock) -> None:
    for call_id in "xyz":
        in_flight(store, clock, 3).acquire(call_id)
    assert started_count(admission(store, clock, 3), clock, "abcdef") == LEAST_READY_COUNT


def test_a_call_that_holds_one_is_let_through_though_all_are_taken(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    in_flight(store, clock, 1).acquire("x")
    batch = admission(store, clock, 1)
    started_count(batch, clock, "abcdef")
    slept = len(clock.slept_us)
    batch.admit("x")
    assert len(clock.slept_us) == slept


def test_a_call_that_went_another_way_counts_no_more_after_a_while(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    batch = admission(store, clock, 1)
    for call_id in "abc":
        batch.admit(call_id)
    began_us = clock.now_us
    batch.admit("d")
    assert began_us + STARTING_US <= clock.now_us <= began_us + STARTING_US + POLL_US
    assert batch.full_count == 1


def test_a_call_waits_until_an_in_flight_permit_is_returned(store: MemoryInFlightStore, clock: VirtualClock) -> None:
    for call_id in "xyz":
        in_flight(store, clock, 3).acquire(call_id)
    batch = admission(store, clock, 3)
    for call_id in "ab":
        batch.admit(call_id)
    quiet: Callable[[], object] = str
    store.others = [quiet] * 3 + [lambda: store.release(BUDGET, "x")]
    batch.admit("c")
    assert clock.slept_us == [POLL_US] * 3
    assert batch.full_count == 1


def test_a_batch_has_patience_once_and_then_each_call_looks_once_more(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    for call_id in "xyz":
        in_flight(store, clock, 1 + LEAST_READY_COUNT).acquire(call_id)
    batch = admission(store, clock, 1)
    for call_id in "ab":
        with pytest.raises(InFlightFull) as later:
            batch.admit(call_id)
        assert later.value.retry_after_s == FULL_REQUEUE_S
    assert sum(clock.slept_us) == ADMISSION_PATIENCE_US
    store.release(BUDGET, "x")
    batch.admit("c")
    assert batch.full_count == 2


def record(body: str, message_id: str) -> dict[str, Any]:
    """Return the record of a message of the tenant."""
    made = sqs_record(body, message_id)
    made["attributes"]["MessageGroupId"] = TENANT
    return made


def event(*names: str) -> dict[str, Any]:
    return {"Records": [record(request_body(name), f"m-{name}") for name in names]}


def started(worker: Worker) -> list[str]:
    return [NAMES[json.loads(start["input"])["call_id"]] for start in worker.step_functions.of("StartExecution")]


def test_a_vendor_without_a_limit_costs_no_request(worker: Worker) -> None:
    handler.dispatch(event("a", "b"), LambdaContext())
    assert worker.in_flight.request_count == 0


def full(worker: Worker, limit: int) -> None:
    """Let so many others be in flight that not even a call that stands ready may be started."""
    worker.profiles.contract = limited(limit)
    held_s = NOW_MS // 1_000 + 1_000
    worker.in_flight.budgets[BUDGET] = {f"other-{number}": held_s for number in range(limit + LEAST_READY_COUNT)}


def test_calls_beyond_the_in_flight_permits_go_back_to_their_queue_and_cost_neither_receive_nor_permit(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    full(worker, 2)
    worker.in_flight.budgets[BUDGET][call_id_of(place_of("a"), TENANT)] = 2 * NOW_MS
    assert handler.dispatch(event("a", "b"), LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["a"]
    (sent,) = worker.sqs.of("SendMessage")
    assert (json.loads(sent["MessageBody"])["call"], sent["DelaySeconds"]) == (
        place_of("b").as_document(),
        FULL_REQUEUE_S,
    )
    line = metrics(capsys.readouterr().out)
    assert (line["CallsDispatched"], line["CallsRequeued"], line["InFlightFull"]) == ([1.0], [1.0], [1.0])


def test_a_dispatcher_takes_no_in_flight_permit(worker: Worker) -> None:
    worker.profiles.contract = limited(5)
    handler.dispatch(event("a", "b"), LambdaContext())
    assert (started(worker), held(worker.in_flight)) == (["a", "b"], "")


def test_no_turn_is_taken_for_a_call_that_finds_no_room(worker: Worker) -> None:
    full(worker, 1)
    dispatcher = handler.dispatcher()
    with pytest.raises(InFlightFull):
        dispatcher.dispatch(request_of("a"), ORIGIN, no_turns(), dispatcher.admission())


def no_turns() -> Starts:
    raise AssertionError("a turn was taken")
    yield None


def test_the_drain_starts_no_more_than_find_room(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    full(worker, 1)
    worker.in_flight.budgets[BUDGET][call_id_of(place_of("a"), TENANT)] = 2 * NOW_MS
    worker.sqs.waiting.update(FakeSqs(request_body("a"), request_body("b")).waiting)
    worker.sqs.groups = dict.fromkeys(worker.sqs.waiting, TENANT)
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 2, "dispatched": 1}
    assert metrics(capsys.readouterr().out)["InFlightFull"] == [1.0]


def test_without_the_in_flight_permits_table_bound_a_limited_vendor_is_a_defect_of_the_stack() -> None:
    from headway_lane.limiter import in_flight_tables

    with pytest.raises(RuntimeError, match=Environment.IN_FLIGHT_TABLE):
        in_flight_tables.in_flight_of(limited(1))
