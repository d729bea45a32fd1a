"""In-flight permits in the dispatcher: before the permit, with patience, given back where a call does not go to the
vendor now.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher import handler
from headway_lane.dispatcher.admission import (
    ADMISSION_PATIENCE_US,
    FULL_REQUEUE_S,
    POLL_US,
    UNLIMITED,
    BatchAdmission,
    admission_of,
)
from headway_lane.limiter.in_flight import InFlight
from headway_lane.limiter.pace import Starts
from headway_lane.messages.identity import call_id_of
from headway_lane.runtime.errors import RetryLater
from headway_lane.runtime.names import Environment

from tests.unit.headway_lane.fakes import (
    NOW_MS,
    ORIGIN,
    TENANT,
    TOKEN,
    FakeSqs,
    VirtualClock,
    Worker,
    client_error,
    metrics,
    place_of,
    received,
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


def admission(store: MemoryInFlightStore, clock: VirtualClock, limit: int, ids: str, chunk: int = 2) -> BatchAdmission:
    return BatchAdmission(in_flight(store, clock, limit), list(ids), chunk, clock.sleep_us)


NAMES = {call_id_of(place_of(name), TENANT): name for name in "abcde"}
"""The executions of the calls, which are easier to read."""


def held(store: MemoryInFlightStore) -> str:
    return "".join(sorted(NAMES.get(call_id, call_id) for call_id in store.budgets.get(BUDGET, {})))


def test_without_a_limit_nothing_is_asked(clock: VirtualClock) -> None:
    assert admission_of(lambda vendor: None, clock.sleep_us)(vendor_of(), ["a"]) is UNLIMITED


def test_in_flight_permits_are_taken_a_chunk_at_a_time(store: MemoryInFlightStore, clock: VirtualClock) -> None:
    batch = admission(store, clock, 4, "abcde")
    batch.admit("a")
    assert held(store) == "ab"
    before = store.request_count
    batch.admit("b")
    assert (held(store), store.request_count) == ("ab", before)
    batch.admit("c")
    assert (held(store), batch.full_count, clock.slept_us) == ("abcd", 0, [])


def test_a_batch_takes_in_flight_permits_for_the_calls_of_a_quarter_second(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    made = admission_of(lambda vendor: in_flight(store, clock, 9), clock.sleep_us)
    batch = made(limited(9), list("abcde"))
    batch.admit("a")
    assert held(store) == "ab"


def test_a_call_waits_until_an_in_flight_permit_is_returned(store: MemoryInFlightStore, clock: VirtualClock) -> None:
    in_flight(store, clock, 1).acquire(["other"])
    batch = admission(store, clock, 1, "a")
    quiet: Callable[[], object] = str
    store.others = [quiet] * 3 + [lambda: store.release(BUDGET, "other")]
    batch.admit("a")
    assert held(store) == "a"
    assert set(clock.slept_us) == {POLL_US}
    assert batch.full_count == 1


def test_a_batch_has_patience_once_and_then_each_call_looks_once_more(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    in_flight(store, clock, 1).acquire(["other"])
    batch = admission(store, clock, 1, "abc")
    for call_id in "ab":
        with pytest.raises(RetryLater) as later:
            batch.admit(call_id)
        assert later.value.retry_after_s == FULL_REQUEUE_S
    assert sum(clock.slept_us) == ADMISSION_PATIENCE_US
    store.release(BUDGET, "other")
    batch.admit("c")
    assert (held(store), batch.full_count) == ("c", 2)


def test_what_was_taken_ahead_and_not_asked_for_goes_back(store: MemoryInFlightStore, clock: VirtualClock) -> None:
    batch = admission(store, clock, 4, "abcd", chunk=3)
    batch.admit("a")
    batch.close()
    assert held(store) == "a"


def test_an_in_flight_permit_that_was_there_before_is_not_returned(
    store: MemoryInFlightStore, clock: VirtualClock
) -> None:
    """The call may be with the vendor already, by another delivery of its message."""
    in_flight(store, clock, 4).acquire(["a", "b"])
    batch = admission(store, clock, 4, "abc", chunk=3)
    batch.admit("a")
    batch.release("a")
    batch.close()
    assert held(store) == "ab"


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


def test_calls_beyond_the_in_flight_permits_go_back_to_their_queue_and_cost_neither_receive_nor_permit(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.profiles.contract = limited(2)
    assert handler.dispatch(event("a", "b", "c"), LambdaContext()) == {"batchItemFailures": []}
    assert started(worker) == ["a", "b"]
    (sent,) = worker.sqs.of("SendMessage")
    assert (json.loads(sent["MessageBody"])["call"], sent["DelaySeconds"]) == (
        place_of("c").as_document(),
        FULL_REQUEUE_S,
    )
    assert held(worker.in_flight) == "ab"
    line = metrics(capsys.readouterr().out)
    assert (line["CallsDispatched"], line["CallsRequeued"], line["InFlightFull"]) == ([2.0], [1.0], [1.0])
    assert worker.reservations.entries["acme#submit"].reservations.number == 2, "no permit was reserved for it"


def test_a_call_that_is_requeued_for_its_turn_gives_its_in_flight_permit_back(worker: Worker) -> None:
    worker.profiles.contract = limited(5)
    worker.reservations.races = 1_000
    handler.dispatch(event("a", "b"), LambdaContext())
    assert (len(worker.sqs.of("SendMessage")), held(worker.in_flight)) == (2, "")


def test_a_call_that_could_not_be_started_keeps_its_in_flight_permit_for_its_redelivery(worker: Worker) -> None:
    """Nobody knows whether Step Functions took it."""
    worker.profiles.contract = limited(1)
    worker.step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    handler.dispatch(event("a"), LambdaContext())
    assert held(worker.in_flight) == "a"
    handler.dispatch(event("a"), LambdaContext())
    assert started(worker) == ["a"]


@pytest.mark.parametrize(("over", "kept"), [(True, "b"), (False, "ab")])
def test_a_duplicate_of_a_call_that_is_over_keeps_no_in_flight_permit_and_one_under_way_does(
    worker: Worker, over: bool, kept: str
) -> None:
    """Of a call under way the in-flight permit is the other delivery's."""
    worker.profiles.contract = limited(5)
    call = worker.ledger.enqueue(request_of("a"), TENANT, 3_600)
    worker.ledger.begin(call.call_id, call.attempt, "invocation-1", 40)
    if over:
        worker.ledger.reject(call.call_id, call.attempt, "Vendor.Rejected", "")
    handler.dispatch(event("b", "a"), LambdaContext())
    assert (started(worker), held(worker.in_flight)) == (["b"], kept)


def test_an_in_flight_permit_that_was_taken_ahead_for_a_task_that_has_ended_is_returned(worker: Worker) -> None:
    worker.profiles.contract = limited(5)
    worker.step_functions.waiting = {TOKEN}
    dead = json.loads(request_body("a")) | {"task_token": "dead", "ends_epoch_s": NOW_MS // 1_000}
    records = [record(request_body("b"), "m1"), record(json.dumps(dead), "m2")]
    handler.dispatch({"Records": records}, LambdaContext())
    assert (started(worker), held(worker.in_flight)) == (["b"], "b")


def test_an_earlier_attempt_that_has_ended_does_not_return_the_in_flight_permit_of_the_one_that_was_just_started(
    worker: Worker,
) -> None:
    worker.profiles.contract = limited(5)
    worker.step_functions.waiting = {TOKEN}
    dead = json.loads(request_body("a")) | {"task_token": "dead", "ends_epoch_s": NOW_MS // 1_000}
    records = [record(request_body("a"), "m1"), record(json.dumps(dead), "m2")]
    handler.dispatch({"Records": records}, LambdaContext())
    assert (started(worker), held(worker.in_flight)) == (["a"], "a")


def test_an_in_flight_permit_is_taken_ahead_only_for_a_message_that_this_code_can_read(worker: Worker) -> None:
    worker.profiles.contract = limited(5)
    bodies = [request_body("a"), "{", "[]", request_body("b", format_version=3)]
    handler.dispatcher().admission([received(body) for body in bodies]).admit(call_id_of(place_of("a"), TENANT))
    assert held(worker.in_flight) == "a"


def test_an_in_flight_permit_is_taken_before_the_turn(worker: Worker) -> None:
    worker.profiles.contract = limited(1)
    seen: list[str] = []

    def turns() -> Starts:
        seen.append(held(worker.in_flight))
        yield None

    dispatcher = handler.dispatcher()
    admission = dispatcher.admission([received(request_body("a"))])
    dispatcher.dispatch(request_of("a"), ORIGIN, turns(), admission)
    assert seen == ["a"]


def test_the_drain_takes_in_flight_permits_as_well(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.profiles.contract = limited(1)
    worker.sqs.waiting.update(FakeSqs(request_body("a"), request_body("b")).waiting)
    worker.sqs.groups = dict.fromkeys(worker.sqs.waiting, TENANT)
    assert handler.dispatch({"batch_size": 10}, LambdaContext()) == {"received": 2, "dispatched": 1}
    assert held(worker.in_flight) == "a"
    assert metrics(capsys.readouterr().out)["InFlightFull"] == [1.0]


def test_without_the_in_flight_permits_table_bound_a_limited_vendor_is_a_defect_of_the_stack() -> None:
    from headway_lane.limiter import in_flight_tables

    with pytest.raises(RuntimeError, match=Environment.IN_FLIGHT_TABLE):
        in_flight_tables.in_flight_of(limited(1))
