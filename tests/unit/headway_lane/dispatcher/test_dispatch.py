"""Dispatching: a request starts one Express workflow, after its turn, and without its task token."""

import json

import pytest
from botocore.exceptions import ClientError
from headway_lane.contract.tuning import Tuning
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.delay import Pacer
from headway_lane.limiter.pace import DelayPace, Starts
from headway_lane.messages.claim import CARRIED_BYTES
from headway_lane.messages.identity import attempt_of
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import Malformed, RetryLater

from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    ORIGIN,
    TENANT,
    TOKEN,
    FakeProfiles,
    FakeStepFunctions,
    Tables,
    VirtualClock,
    WallClock,
    client_error,
    place_of,
    received,
    request_body,
    request_of,
    vendor_of,
)
from tests.unit.headway_lane.messages.test_request import MISTAKES

MACHINE_ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:dispatch"
CONTRACT = vendor_of()


LARGEST_PAYLOAD = {"text": "\N{CJK UNIFIED IDEOGRAPH-6E2C}" * ((CARRIED_BYTES - len('{"text":""}')) // 3)}


@pytest.fixture
def profiles() -> FakeProfiles:
    return FakeProfiles(CONTRACT)


@pytest.fixture
def virtual_clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def dispatcher(
    ledger: Ledger,
    step_functions: FakeStepFunctions,
    profiles: FakeProfiles,
    virtual_clock: VirtualClock,
    wall_clock: WallClock,
) -> Dispatcher:
    pace = DelayPace(Pacer(virtual_clock.monotonic_us, virtual_clock.sleep_us))
    return Dispatcher(
        "acme",
        profiles,
        ledger,
        step_functions.waiters(),
        pace,
        step_functions=step_functions.client(),
        machine_arn=MACHINE_ARN,
        epoch_s=lambda: wall_clock() / 1_000,
    )


@pytest.fixture
def turns(dispatcher: Dispatcher) -> Starts:
    return dispatcher.turns(10)


def test_a_request_is_recorded_and_started(
    dispatcher: Dispatcher, turns: Starts, tables: Tables, step_functions: FakeStepFunctions
) -> None:
    request = dispatcher.read(received(request_body()))
    assert dispatcher.dispatch(request, ORIGIN, turns) is True
    (started,) = step_functions.of("StartExecution")
    assert started["stateMachineArn"] == MACHINE_ARN
    assert json.loads(started["input"]) == {
        "format_version": 2,
        "call_id": CALL_ID,
        "attempt": attempt_of(Waiter(TOKEN)),
        "call": place_of().as_document(),
        "vendor": "acme",
        "payload": {"text": "Grüße"},
        "ends_epoch_s": NOW_MS // 1_000 + CONTRACT.call_heartbeat_s,
        "origin": {"queue_url": ORIGIN.queue_url, "group": ORIGIN.group},
        "permit": {},
    }
    assert tables.call()["state"] == "queued"
    assert tables.call()["expires_epoch_s"] == NOW_MS // 1_000 + CONTRACT.record_ttl_s
    where = {name: tables.call()[name] for name in ("execution", "step", "tenant")}
    assert where == {"execution": place_of().execution, "step": "CallVendor", "tenant": TENANT}


def test_the_express_workflow_never_sees_the_task_token(
    dispatcher: Dispatcher, turns: Starts, step_functions: FakeStepFunctions
) -> None:
    dispatcher.dispatch(request_of(), ORIGIN, turns)
    assert TOKEN not in str(step_functions.of("StartExecution"))


def test_a_redelivery_of_a_call_that_never_started_starts_it(
    dispatcher: Dispatcher, turns: Starts, step_functions: FakeStepFunctions
) -> None:
    step_functions.errors.append(client_error("StartExecution", "ThrottlingException"))
    with pytest.raises(ClientError, match="Throttling"):
        dispatcher.dispatch(request_of(), ORIGIN, turns)
    assert dispatcher.dispatch(request_of(), ORIGIN, turns) is True
    assert len(step_functions.of("StartExecution")) == 1


def test_every_start_waits_for_its_turn(
    dispatcher: Dispatcher, profiles: FakeProfiles, virtual_clock: VirtualClock
) -> None:
    profiles.pace = Tuning(delay_ms=0, rate_per_s=4)
    turns = dispatcher.turns(3)
    started_us = []
    for number in range(3):
        dispatcher.dispatch(request_of(f"call-{number}"), ORIGIN, turns)
        started_us.append(virtual_clock.now_us)
    assert started_us == [500_000, 1_000_000, 1_500_000]


def test_a_changed_tuning_is_in_force_with_the_next_batch(
    dispatcher: Dispatcher, profiles: FakeProfiles, virtual_clock: VirtualClock
) -> None:
    dispatcher.dispatch(request_of("call-1"), ORIGIN, dispatcher.turns(1))
    profiles.pace = Tuning(delay_ms=20_000, rate_per_s=1_000)
    dispatcher.dispatch(request_of("call-2"), ORIGIN, dispatcher.turns(1))
    assert virtual_clock.slept_us == [200_000, 20_000_000]


def test_a_permit_travels_with_its_call(dispatcher: Dispatcher, step_functions: FakeStepFunctions) -> None:
    def turns() -> Starts:
        yield Permit(slot_us=1_800_000_000_500_000, number=7, generation=2)

    dispatcher.dispatch(request_of(), ORIGIN, turns())
    (started,) = step_functions.of("StartExecution")
    permit = {"slot_us": 1_800_000_000_500_000, "number": 7, "generation": 2, "shifted_us": 0}
    assert json.loads(started["input"])["permit"] == permit


def test_a_request_without_a_turn_is_recorded_and_not_started_and_so_is_what_follows(
    dispatcher: Dispatcher, tables: Tables, step_functions: FakeStepFunctions
) -> None:
    def turns() -> Starts:
        raise RetryLater("the next free slot is far away", retry_after_s=15)
        yield None

    broken = turns()
    with pytest.raises(RetryLater, match="far away"):
        dispatcher.dispatch(request_of("call-1"), ORIGIN, broken)
    with pytest.raises(RetryLater, match="far away") as later:
        dispatcher.dispatch(request_of("call-2"), ORIGIN, broken)
    assert later.value.retry_after_s == 15
    assert step_functions.sent == []
    assert [tables.call(request_of(name).call_id)["state"] for name in ("call-1", "call-2")] == ["queued"] * 2


def test_without_a_known_tuning_nothing_starts_and_every_message_waits_in_its_queue(
    dispatcher: Dispatcher, profiles: FakeProfiles, step_functions: FakeStepFunctions
) -> None:
    profiles.tuned = False
    none = dispatcher.turns(2)
    for name in ("call-1", "call-2"):
        with pytest.raises(RetryLater, match="has not told the tuning") as later:
            dispatcher.dispatch(request_of(name), ORIGIN, none)
        assert later.value.retry_after_s == 15
    assert step_functions.sent == []
    profiles.tuned = True
    dispatcher.dispatch(request_of("call-1"), ORIGIN, dispatcher.turns(1))
    assert len(step_functions.sent) == 1


def test_what_follows_a_reservation_that_broke_comes_again(dispatcher: Dispatcher) -> None:
    def turns() -> Starts:
        raise OSError("no store")
        yield None

    broken = turns()
    with pytest.raises(OSError, match="no store"):
        dispatcher.dispatch(request_of("call-1"), ORIGIN, broken)
    with pytest.raises(RetryLater, match="the batch lost its turns"):
        dispatcher.dispatch(request_of("call-2"), ORIGIN, broken)


def test_the_next_batch_is_not_held_back_by_the_one_before(
    dispatcher: Dispatcher, step_functions: FakeStepFunctions
) -> None:
    def turns() -> Starts:
        raise RetryLater("the next free slot is far away", retry_after_s=15)
        yield None

    with pytest.raises(RetryLater):
        dispatcher.dispatch(request_of("call-1"), ORIGIN, turns())
    dispatcher.dispatch(request_of("call-1"), ORIGIN, dispatcher.turns(1))
    assert len(step_functions.sent) == 1


@pytest.mark.parametrize(("body", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_malformed_request_raises_and_fails_its_task_at_once_where_it_left_a_token(
    dispatcher: Dispatcher, tables: Tables, step_functions: FakeStepFunctions, body: str, reason: str
) -> None:
    with pytest.raises(Malformed):
        dispatcher.read(received(body))
    assert tables.calls.scan()["Items"] == []
    failures = step_functions.sent
    if TOKEN in body:
        ((operation, failure),) = failures
        assert (operation, failure["taskToken"], failure["error"]) == ("SendTaskFailure", TOKEN, "Request.Malformed")
        assert failure["cause"].startswith(reason)
    else:
        assert failures == []


def test_a_malformed_request_that_comes_again_finds_its_task_failed_and_still_raises(
    dispatcher: Dispatcher,
) -> None:
    for _ in range(2):
        with pytest.raises(Malformed, match="`payload` must be an object"):
            dispatcher.read(received(request_body(payload=None)))


def test_the_largest_payload_that_travels_is_no_larger_in_an_execution_in_any_language(
    dispatcher: Dispatcher, step_functions: FakeStepFunctions
) -> None:
    body = json.dumps(json.loads(request_body(payload=LARGEST_PAYLOAD)), ensure_ascii=False)
    assert len(json.dumps(LARGEST_PAYLOAD, ensure_ascii=False, separators=(",", ":")).encode()) > CARRIED_BYTES - 3
    dispatcher.dispatch(dispatcher.read(received(body)), ORIGIN, dispatcher.turns(1))
    (execution,) = step_functions.of("StartExecution")
    assert len(execution["input"].encode()) < CARRIED_BYTES + 1_000
    assert json.loads(execution["input"])["payload"] == LARGEST_PAYLOAD
