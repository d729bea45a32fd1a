"""What holds for waiters of every kind: told once, and told apart from those that nobody waits on any more."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from headway_lane.messages.waiter import Waiter, WaiterKind, waiter_of_kind
from headway_lane.resume.durable_callback import DEAD_CALLBACK_CODES, INVALID
from headway_lane.resume.task_token import DEAD_TASK_CODES
from headway_lane.resume.waiters import EveryKind, Waiters
from headway_lane.runtime.causes import CAUSE_BYTES

from tests.unit.headway_lane.durable import FakeDurableFunctions
from tests.unit.headway_lane.fakes import TOKEN, FakeStepFunctions, client_error

CALLBACK_ID = "Y2FsbGJhY2s="
ERROR, CAUSE = "Vendor.Rejected", "the vendor says no"


@dataclass(frozen=True, slots=True)
class Target:
    """One kind: its waiters, one that waits and one that nobody knows, and how the fake behind them is played."""

    waiters: Waiters
    waiting: Waiter
    unknown: Waiter
    end: Callable[[], None]
    errors: list[Exception]
    told: Callable[[], list[tuple[str, object]]]
    """What has taken effect: the operation's last word, and what was said."""
    dead_codes: frozenset[str]


def task_token() -> Target:
    fake = FakeStepFunctions(TOKEN)

    def told() -> list[tuple[str, object]]:
        said: dict[str, Callable[[dict[str, str]], object]] = {
            "SendTaskSuccess": lambda params: json.loads(params["output"]),
            "SendTaskFailure": lambda params: (params["error"], params["cause"]),
            "SendTaskHeartbeat": lambda params: None,
        }
        return [(name.removeprefix("SendTask"), said[name](params)) for name, params in fake.sent]

    return Target(
        fake.waiters(), Waiter(TOKEN), Waiter("garbage"), lambda: fake.end(TOKEN), fake.errors, told, DEAD_TASK_CODES
    )


def callback_id() -> Target:
    fake = FakeDurableFunctions(CALLBACK_ID)

    def told() -> list[tuple[str, object]]:
        said: dict[str, Callable[[dict[str, dict[str, str]]], object]] = {
            "Success": lambda params: json.loads(params["Result"]),  # type: ignore[arg-type] # bytes
            "Failure": lambda params: (params["Error"]["ErrorType"], params["Error"]["ErrorMessage"]),
            "Heartbeat": lambda params: None,
        }
        names = [name.removeprefix("SendDurableExecutionCallback") for name, _ in fake.sent]
        return [(name, said[name](params)) for name, (_, params) in zip(names, fake.sent, strict=True)]

    kind = WaiterKind.CALLBACK_ID
    return Target(
        fake.waiters(),
        waiter_of_kind(kind, CALLBACK_ID),
        waiter_of_kind(kind, "Z2FyYmFnZQ=="),
        lambda: fake.end(CALLBACK_ID),
        fake.errors,
        told,
        DEAD_CALLBACK_CODES,
    )


TARGETS = {WaiterKind.TASK_TOKEN: task_token, WaiterKind.CALLBACK_ID: callback_id}


@pytest.fixture(params=WaiterKind)
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]()


def test_a_waiter_is_resumed_once_with_a_json_object(target: Target) -> None:
    assert target.waiters.succeed(target.waiting, {"job_id": "job-1"}) is True
    assert target.waiters.succeed(target.waiting, {"job_id": "job-2"}) is False
    assert target.told() == [("Success", {"job_id": "job-1"})]


def test_a_waiter_is_failed_once_with_an_error_and_its_cause(target: Target) -> None:
    assert target.waiters.fail(target.waiting, ERROR, CAUSE) is True
    assert target.waiters.fail(target.waiting, ERROR, "again") is False
    assert target.told() == [("Failure", (ERROR, CAUSE))]


def test_who_was_failed_cannot_be_resumed_nor_the_other_way_round(target: Target) -> None:
    assert target.waiters.fail(target.waiting, ERROR, CAUSE) is True
    assert target.waiters.succeed(target.waiting, {}) is False


def test_a_heartbeat_reaches_one_who_waits_only_and_ends_nothing(target: Target) -> None:
    assert target.waiters.beat(target.waiting) is True
    assert target.waiters.beat(target.unknown) is False
    target.end()
    assert target.waiters.beat(target.waiting) is False
    assert target.told() == [("Heartbeat", None)]


def test_nobody_waits_where_nobody_ever_waited(target: Target) -> None:
    waiters, unknown = target.waiters, target.unknown
    assert [waiters.succeed(unknown, {}), waiters.fail(unknown, ERROR, CAUSE), waiters.beat(unknown)] == [False] * 3


def test_every_word_for_a_dead_waiter_is_nobody_and_no_error(target: Target) -> None:
    for code in sorted(target.dead_codes):
        target.errors.extend(client_error("any", code) for _ in range(3))
        waiters, waiting = target.waiters, target.waiting
        assert [waiters.succeed(waiting, {}), waiters.fail(waiting, ERROR, ""), waiters.beat(waiting)] == [False] * 3
    assert target.told() == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ServiceException"])
def test_what_leaves_open_whether_somebody_waits_is_raised(target: Target, code: str) -> None:
    target.errors.extend(client_error("any", code) for _ in range(3))
    with pytest.raises(ClientError, match=code):
        target.waiters.succeed(target.waiting, {})
    with pytest.raises(ClientError, match=code):
        target.waiters.fail(target.waiting, ERROR, CAUSE)
    with pytest.raises(ClientError, match=code):
        target.waiters.beat(target.waiting)
    assert target.waiters.succeed(target.waiting, {}) is True, "it may be repeated"


def test_a_cause_of_any_length_arrives_cut_to_what_travels(target: Target) -> None:
    assert target.waiters.fail(target.waiting, ERROR, "ü" * CAUSE_BYTES) is True
    assert target.told() == [("Failure", (ERROR, "ü" * (CAUSE_BYTES // 2)))]


def test_each_of_every_kind_is_told_in_its_own_way() -> None:
    targets = {kind: make() for kind, make in TARGETS.items()}
    every = EveryKind({kind: target.waiters for kind, target in targets.items()})
    for target in targets.values():
        assert every.beat(target.waiting) is True
        assert every.succeed(target.waiting, {"job_id": "job-1"}) is True
        assert every.fail(target.waiting, ERROR, CAUSE) is False
        assert target.told() == [("Heartbeat", None), ("Success", {"job_id": "job-1"})]


def test_a_callback_id_that_lambda_cannot_read_is_nobody() -> None:
    fake = FakeDurableFunctions(CALLBACK_ID)
    fake.errors += [client_error("any", INVALID) for _ in range(5)]
    waiters, waiting = fake.waiters(), waiter_of_kind(WaiterKind.CALLBACK_ID, CALLBACK_ID)
    assert [waiters.succeed(waiting, {}), waiters.fail(waiting, ERROR, ""), waiters.beat(waiting)] == [False] * 3


def test_a_result_that_lambda_does_not_take_is_an_error_as_long_as_somebody_waits() -> None:
    fake = FakeDurableFunctions(CALLBACK_ID)
    waiting = waiter_of_kind(WaiterKind.CALLBACK_ID, CALLBACK_ID)
    with pytest.raises(ClientError, match=INVALID):
        fake.waiters().succeed(waiting, {"result": "x" * 262_144})
    assert fake.waiters().succeed(waiting, {}) is True


def test_a_durable_function_reads_the_errors_name_where_its_sdk_shows_it() -> None:
    """The exception of the SDK has message and data of the error; its type stays in the history."""
    fake = FakeDurableFunctions(CALLBACK_ID)
    assert fake.waiters().fail(waiter_of_kind(WaiterKind.CALLBACK_ID, CALLBACK_ID), ERROR, CAUSE) is True
    (failure,) = fake.of("SendDurableExecutionCallbackFailure")
    assert failure["Error"] == {"ErrorType": ERROR, "ErrorMessage": CAUSE, "ErrorData": ERROR}
