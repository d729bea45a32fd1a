"""Who waits behind whom, end to end: one tenant floods a vendor that is paced by permits, another comes late.

Waits are counted in slots, by the vendor: calls that it saw since the late ones were asked for. A call can be made at
the end of what is reserved ahead, which is the horizon and one reservation: about 11 slots at 10/s.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fairness import Fairness, measure, warm_up
from headway.testing.paced import Contract, Setting, paced_laboratory

RATE = 10
"""Slow enough that a dispatcher which fetches its next batch is back before its turn, on a slow machine too."""
FLOOD_COUNT = 140
URGENT_COUNT = 40
"""Ten reservations and more: of three, all may fall while both normal dispatchers are away from the reservations."""
NORMAL_COUNT = 6
RESERVED_AHEAD_SLOTS = 11
UNDER_WAY_SLOTS = 12
"""Calls of others while an execution starts and its message is polled; more on a machine that is busy."""
LEAST_SHARE = 1 / 6
"""A half by weight; on a busy machine calls miss their slots and reserve anew, and come further apart."""
MOST_SHARE = 0.85
"""Reservations of both queues take turns, as long as dispatchers of both wait at the reservations."""
BATCHES_AHEAD_SLOTS = 20
"""Calls that both normal dispatchers have taken from their queue before: nothing overtakes those."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fairness]:
    scratch: Path = tmp_path_factory.mktemp("fairness")
    setting = Setting("permits", "permits", RATE, headroom_ms=100, urgent_concurrency=2)
    with paced_laboratory(scratch, Contract(RATE), setting) as lab:
        warm_up(lab)
        yield measure(lab, FLOOD_COUNT, URGENT_COUNT, NORMAL_COUNT)


def test_the_contract_holds_whoever_calls(seen: Fairness) -> None:
    assert (seen.violations_count, seen.refused_count) == (0, 0), seen
    assert seen.worst_window_count <= RATE, seen
    assert seen.calls_count == FLOOD_COUNT + URGENT_COUNT + NORMAL_COUNT, "nothing was called twice or lost"


def test_urgent_calls_are_next_and_get_about_half_of_the_slots(seen: Fairness) -> None:
    assert seen.urgent.first_slots <= RESERVED_AHEAD_SLOTS + UNDER_WAY_SLOTS, seen
    assert LEAST_SHARE <= seen.urgent.share <= MOST_SHARE, f"their share is {seen.urgent.share:.2f}: {seen}"


def test_a_quiet_tenant_does_not_wait_for_the_flood_to_end(seen: Fairness) -> None:
    could_be_slots = RESERVED_AHEAD_SLOTS + UNDER_WAY_SLOTS + BATCHES_AHEAD_SLOTS
    assert seen.normal_in_lane.first_slots <= could_be_slots, seen
    assert seen.normal_in_lane.most_slots <= could_be_slots + 2 * NORMAL_COUNT, f"every second slot of its lane: {seen}"
    assert seen.flood_left_count >= FLOOD_COUNT / 4, f"{seen.flood_left_count} of the flood came later: {seen}"
