"""Whose turn it is to reserve where two queues share one budget."""

from headway_lane.limiter.core.share import DEFER_US, UNSHARED, Share
from hypothesis import given
from hypothesis import strategies as st

weights = st.integers(1, 50)
chunks = st.integers(1, 100)


@given(weights, weights, chunks, st.integers(0, 10_000))
def test_every_permit_is_one_queues_own_and_the_others_to_wait_for(
    urgent_weight: int, normal_weight: int, chunk_count: int, number: int
) -> None:
    urgent, normal = (Share.of_queue(queue, urgent_weight, normal_weight, chunk_count) for queue in (True, False))
    assert {urgent.defer_us(number), normal.defer_us(number)} == {0, DEFER_US}


@given(weights, weights, chunks)
def test_a_cycle_is_divided_by_weight(urgent_weight: int, normal_weight: int, chunk_count: int) -> None:
    urgent, normal = (Share.of_queue(queue, urgent_weight, normal_weight, chunk_count) for queue in (True, False))
    own_count = sum(urgent.defer_us(number) == 0 for number in range(urgent.cycle_count))
    assert urgent.cycle_count == normal.cycle_count
    assert own_count * (urgent_weight + normal_weight) == urgent.cycle_count * urgent_weight


def test_equal_weights_take_turns_of_one_chunk() -> None:
    urgent, normal = (Share.of_queue(queue, 2, 2, chunk_count=10) for queue in (True, False))
    assert [number for number in range(40) if urgent.defer_us(number) == 0] == [*range(10), *range(20, 30)]
    assert [number for number in range(40) if normal.defer_us(number) == 0] == [*range(10, 20), *range(30, 40)]


def test_a_lane_without_an_urgent_queue_waits_for_nobody() -> None:
    only = Share.of_queue(urgent=False, urgent_weight=0, normal_weight=2, chunk_count=10)
    assert [share.defer_us(number) for share in (only, UNSHARED) for number in range(40)] == [0] * 80
