"""Another delivery of a message whose own attempt the ledger knows."""

from collections.abc import Mapping

import pytest
from headway_lane.runtime.errors import ErrorCode

from tests.unit.headway_lane.dispatcher.ways import (
    FIRST_ATTEMPT,
    LEASE_S,
    Way,
    accepted,
    answered,
    begun,
    delay_s,
    dispatch,
    enter,
    expired,
    found,
    late,
    queued,
    rejected,
    resumed,
    sending,
    started,
)
from tests.unit.headway_lane.fakes import TOKEN, WallClock, Worker, metrics


def test_a_duplicate_of_a_call_that_was_never_started_starts_it(worker: Worker) -> None:
    enter(worker, queued, TOKEN)
    dispatch(TOKEN)
    assert started(worker)


@pytest.mark.parametrize("way", [begun, sending], ids=["dispatching", "sending"])
def test_a_duplicate_of_a_call_in_hand_comes_again_when_the_lease_is_over(
    worker: Worker, wall_clock: WallClock, way: Way
) -> None:
    """Whoever makes the call may have died: then this message is all that is left of it."""
    enter(worker, way, TOKEN)
    wall_clock.now_ms += 15_000
    dispatch(TOKEN)
    assert (started(worker), delay_s(worker)) == (None, LEASE_S - 15)
    wall_clock.now_ms += (LEASE_S - 15) * 1_000
    dispatch(TOKEN)
    start = started(worker)
    assert start
    assert start["attempt"] == FIRST_ATTEMPT


OVER: Mapping[str, Way] = {
    "accepted": accepted,
    "answered": answered,
    "resumed": resumed,
    "late": late(None),
    "expired": expired(queued),
    "rejected": rejected(ErrorCode.VENDOR_REJECTED),
}


@pytest.mark.parametrize("way", OVER.values(), ids=OVER)
def test_a_duplicate_of_an_attempt_that_the_vendor_has_or_that_is_over_is_dropped(
    worker: Worker, way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(worker, way, TOKEN)
    before = found(worker.ledger)
    dispatch(TOKEN)
    assert (started(worker), delay_s(worker), found(worker.ledger)) == (None, None, before)
    assert metrics(capsys.readouterr().out)["CallsDuplicate"] == [1.0]
