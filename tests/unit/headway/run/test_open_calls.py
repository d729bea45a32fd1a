import itertools
from typing import Final

import pytest
from headway_lane.ledger.record import CallState

from headway.run.executions import Started
from headway.run.ledger_watch import CallSight
from headway.run.open_call import READ_WAIT_S, WAITING_READ_S, CallPlace, OpenCall
from headway.run.open_calls import UNSEEN_S, OpenCalls
from headway.run.room import QueueName, Room, RoomRule
from headway.run.worklist import Todo

QUEUE: Final = QueueName("acme", urgent=False)


def opened(*keys: str, adopted: bool = False) -> tuple[OpenCalls, Room, list[OpenCall]]:
    room = Room(RoomRule(limit_count=100, seed_count=2, span_s=1_000), waiting_count=len(keys))
    calls = OpenCalls({QUEUE: room})
    added = [
        OpenCall(
            Todo(1, 0, 0, key, "acme", urgent=False, tenant=None, attempt=1),
            Started(f"arn:{key}", 1),
            key,
            0.0,
            adopted,
        )
        for key in keys
    ]
    for call in added:
        calls.add(call, 0.0)
    return calls, room, added


def sight(state: CallState) -> CallSight:
    return CallSight(state, {"sending_epoch_ms": 5_000})


def test_a_call_waits_until_the_vendor_has_it_and_is_at_the_vendor_until_it_answers() -> None:
    calls, room, [call] = opened("a")
    stood = []
    for state in (CallState.QUEUED, CallState.SENDING, CallState.ACCEPTED, CallState.ANSWERED, CallState.RESUMED):
        calls.see(call, sight(state), 1.0)
        stood.append((room.waiting_count, room.at_vendor_count, call.place))
    assert stood == [
        (1, 0, CallPlace.QUEUED),
        (1, 0, CallPlace.CALLED),
        (0, 1, CallPlace.CALLED),
        (0, 0, CallPlace.ANSWERED),
        (0, 0, CallPlace.ANSWERED),
    ]
    calls.end(call, 2.0, taken=True)
    assert (len(calls), calls.places.total(), room.room_count(2.0)) == (0, 0, 2 + 1)


@pytest.mark.parametrize(
    ("state", "adopted", "count"),
    [
        (CallState.ACCEPTED, False, 3),
        (CallState.RESUMED, False, 3),
        (CallState.REJECTED, False, 3),
        (CallState.EXPIRED, False, 2),
        (CallState.ACCEPTED, True, 2),
    ],
)
def test_what_the_lane_took_makes_room_but_not_what_expired_or_was_taken_in_an_earlier_run(
    state: CallState, adopted: bool, count: int
) -> None:
    calls, room, [call] = opened("a", adopted=adopted)
    calls.see(call, sight(state), 1.0)
    assert room.room_count(1.0) == count


def test_a_call_that_the_ledger_does_not_know_waits_elsewhere_once_its_queue_is_empty() -> None:
    """Such as one of an execution that does other things before it asks, or one under an ID that nobody can derive."""
    calls, room, [known, _] = opened("known", "unknown")
    calls.see(known, sight(CallState.QUEUED), 1.0)
    calls.look(QUEUE, 0, UNSEEN_S - 1)
    calls.look(QUEUE, 3, UNSEEN_S + 1)
    assert (room.waiting_count, room.others_count) == (2, 1)
    calls.look(QUEUE, 0, UNSEEN_S + 1)
    assert (room.waiting_count, room.room_count(UNSEEN_S + 1)) == (1, 2 + 1 - 1)


def test_a_call_is_read_less_often_the_longer_nothing_happens_and_a_waiting_one_oftener() -> None:
    calls, _, [call] = opened("a")

    def reads(from_s: int) -> list[int]:
        return [now_s for now_s in range(from_s, from_s + 100) if calls.to_read(now_s, most=1)]

    waiting = reads(0)
    calls.see(call, sight(CallState.ACCEPTED), 100.0)
    at_vendor = reads(100)
    assert 100 / WAITING_READ_S <= len(waiting) <= 100 / WAITING_READ_S + 4
    assert len(at_vendor) < len(waiting)
    assert max(b - a for a, b in itertools.pairwise(at_vendor)) <= READ_WAIT_S[1] + 1


def test_what_is_about_to_end_is_described_before_what_is_silent() -> None:
    calls, _, [silent, ending] = opened("silent", "ending")
    calls.see(ending, sight(CallState.RESUMED), 20.0)
    assert calls.to_describe(20.0, most=1, most_silent=1) == [ending]
    assert calls.to_describe(20.0, most=5, most_silent=0) == []
    assert calls.to_describe(20.0, most=5, most_silent=5) == [silent]


def test_the_pace_is_that_of_calls_that_were_sent_lately() -> None:
    calls, _, added = opened("a", "b", "c")
    for call, sent_ms in zip(added, (1_000, 9_000, 12_000), strict=True):
        calls.see(call, CallSight(CallState.SENDING, {"sending_epoch_ms": sent_ms}), 1.0)
    assert calls.recently_sent("acme", 12_500) == [9_000, 12_000]
    assert calls.recently_sent("acme", 60_000) == []
