"""A call whose caller could not be run goes back to its queue: nothing is failed, sent twice, or forgotten."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, Succession
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.settling.recovery import CALLER_REQUEUE_S, Recovery

from tests.unit.headway_lane.calls import HOLDER, LEASE_S, TTL_S, accepted, dispatching, queued, sending
from tests.unit.headway_lane.fakes import (
    CALL_ID,
    NOW_MS,
    ORIGIN,
    TENANT,
    FakeSqs,
    RepeatingTable,
    Tables,
    WallClock,
    client_error,
    place_of,
    request_of,
)

ENDS_EPOCH_S = NOW_MS // 1_000 + 900
REQUEST = request_of(ends_epoch_s=ENDS_EPOCH_S)
EVENT: dict[str, Any] = {
    "format_version": 2,
    "call_id": CALL_ID,
    "attempt": REQUEST.attempt,
    "call": dict(place_of().as_document()),
    "vendor": "acme",
    "payload": dict(REQUEST.payload),
    "ends_epoch_s": ENDS_EPOCH_S,
    "permit": {},
    "origin": asdict(ORIGIN),
}
"""What `dispatch_call` was started with: no token."""


class Bench:
    """A recovery with everything around it; `left` are the in-flight permits that it gave back."""

    def __init__(self, ledger: Ledger, clock: WallClock) -> None:
        self.ledger = ledger
        self.sqs = FakeSqs()
        self.left: list[str] = []
        self.recovery = Recovery(ledger, self._release, RequestQueues(self.sqs.client()), lambda: clock.now_ms / 1_000)

    def _release(self, call: Call) -> None:
        self.left.append(call.call_id)

    @property
    def call(self) -> Call:
        call = self.ledger.find(CALL_ID)
        assert call is not None
        return call

    @property
    def requeued(self) -> list[tuple[CallRequest, int]]:
        """Return the requests in the queue, and their delays."""
        sent = self.sqs.of("SendMessage")
        assert all((one["QueueUrl"], one["MessageGroupId"]) == (ORIGIN.queue_url, ORIGIN.group) for one in sent)
        return [(CallRequest.from_body(one["MessageBody"], "acme", TENANT), one["DelaySeconds"]) for one in sent]


@pytest.fixture
def bench(ledger: Ledger, wall_clock: WallClock) -> Bench:
    return Bench(ledger, wall_clock)


@pytest.mark.parametrize("bring", [queued, dispatching])
def test_a_call_of_which_nothing_was_sent_comes_again_as_it_came_and_soon(
    bench: Bench, bring: Callable[[Ledger], Call]
) -> None:
    bring(bench.ledger)
    assert bench.recovery.requeue(EVENT) is True
    assert bench.requeued == [(REQUEST, CALLER_REQUEUE_S)]
    assert (bench.call.state, bench.call.doubtful) == (CallState.QUEUED, False)


def test_a_call_of_which_nothing_was_sent_gives_its_in_flight_permit_back_before_it_is_in_its_queue(
    bench: Bench,
) -> None:
    dispatching(bench.ledger)
    bench.sqs.errors.append(client_error("SendMessage", "ThrottlingException"))
    with pytest.raises(Exception, match="ThrottlingException"):
        bench.recovery.requeue(EVENT)
    assert (bench.left, bench.call.state) == ([CALL_ID], CallState.QUEUED)
    assert bench.recovery.requeue(EVENT) is True
    assert bench.requeued == [(REQUEST, CALLER_REQUEUE_S)], "what broke off is repeated"


@pytest.mark.parametrize(("after_s", "delay_s"), [(0, LEASE_S), (30, 10), (LEASE_S, 0), (500, 0)])
def test_a_call_that_was_being_sent_comes_again_when_its_lease_is_over_and_is_left_as_it_is(
    bench: Bench, tables: Tables, wall_clock: WallClock, after_s: int, delay_s: int
) -> None:
    sending(bench.ledger)
    before = tables.call()
    wall_clock.now_ms += after_s * 1_000
    assert bench.recovery.requeue(EVENT) is True
    assert bench.requeued == [(REQUEST, delay_s)]
    assert (tables.call(), bench.left) == (before, []), "the vendor may have its job"


def test_a_call_in_doubt_from_before_stays_so_and_keeps_its_in_flight_permit(bench: Bench) -> None:
    bench.ledger.release(sending(bench.ledger), doubtful=True)
    bench.ledger.begin(CALL_ID, REQUEST.attempt, HOLDER, LEASE_S)
    assert bench.recovery.requeue(EVENT) is True
    assert (bench.call.state, bench.call.doubtful, bench.left) == (CallState.QUEUED, True, [])


@pytest.mark.parametrize("over", ["accepted", "answered", "resumed", "rejected", "expired", "late"])
def test_a_call_that_went_further_is_left_alone(bench: Bench, tables: Tables, over: str) -> None:
    accepted(bench.ledger)
    tables.calls.update_item(
        Key={"call_id": CALL_ID},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": over},
    )
    assert bench.recovery.requeue(EVENT) is False
    assert (bench.requeued, bench.left) == ([], [])


def test_a_call_that_another_attempt_has_taken_over_is_left_to_it(bench: Bench, tables: Tables) -> None:
    found = dispatching(bench.ledger)
    bench.ledger.take_over(found, request_of(token="token-of-a-retry"), Succession(Next.DISPATCH), TTL_S)
    before = tables.call()
    assert bench.recovery.requeue(EVENT) is False
    assert (bench.requeued, bench.left, tables.call()) == ([], [], before)


def test_a_call_that_nobody_knows_is_not_requeued(bench: Bench) -> None:
    assert bench.recovery.requeue(EVENT) is False
    assert bench.sqs.sent == []


def test_a_caller_that_lives_after_all_and_is_about_to_send_keeps_its_in_flight_permit(
    ledger: Ledger, tables: Tables, wall_clock: WallClock
) -> None:
    class SendingMeanwhile(Ledger):
        def find(self, call_id: str) -> Call | None:
            found = super().find(call_id)
            ledger.send(CALL_ID, REQUEST.attempt, HOLDER)
            return found

    bench = Bench(SendingMeanwhile(tables.calls, tables.jobs, wall_clock), wall_clock)
    dispatching(ledger)
    assert bench.recovery.requeue(EVENT) is True
    assert (bench.call.state, bench.call.doubtful, bench.left) == (CallState.SENDING, False, [])
    assert bench.requeued == [(REQUEST, CALLER_REQUEUE_S)], "it finds the call with its lease"


def test_a_recovery_whose_responses_were_lost_is_made_once(
    tables: Tables, ledger: Ledger, wall_clock: WallClock
) -> None:
    dispatching(ledger)
    bench = Bench(Ledger(RepeatingTable(tables.calls).table(), tables.jobs, wall_clock), wall_clock)
    assert bench.recovery.requeue(EVENT) is True
    assert (bench.requeued, bench.left) == ([(REQUEST, CALLER_REQUEUE_S)], [CALL_ID])
