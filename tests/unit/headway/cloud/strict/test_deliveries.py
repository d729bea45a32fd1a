"""What a standard queue may do with deliveries: drawn, and drawn again alike."""

import pytest

from headway.cloud.strict._deliveries import Deliveries
from headway.errors import UsageProblem

MESSAGES = list(range(100))


def test_the_variable_names_what_differs_from_the_defaults() -> None:
    assert Deliveries.of("seed=7 partial=0.5") == Deliveries(seed=7, partial=0.5)
    assert Deliveries.of("") == Deliveries()


@pytest.mark.parametrize("words", ["partial", "partial=2", "duplicate=-1", "partial=x", "sede=1", "partial=nan"])
def test_what_it_does_not_know_is_refused(words: str) -> None:
    with pytest.raises(UsageProblem, match="HEADWAY_SQS"):
        Deliveries.of(words)


def test_a_receive_without_a_wait_sees_a_part() -> None:
    deliveries = Deliveries(partial=1)

    seen = deliveries.seen(deliveries.of_queue("a"), MESSAGES, waits=False)

    assert set(seen) < set(MESSAGES)


def test_one_that_waits_sees_all_in_another_order() -> None:
    deliveries = Deliveries(partial=1, disorder=1)

    seen = deliveries.seen(deliveries.of_queue("a"), MESSAGES, waits=True)

    assert seen != MESSAGES
    assert sorted(seen) == MESSAGES


def test_an_exact_queue_gives_all_in_order() -> None:
    deliveries = Deliveries(partial=0, disorder=0)

    assert deliveries.seen(deliveries.of_queue("a"), MESSAGES, waits=False) == MESSAGES


def test_one_message_is_now_and_then_not_seen_and_never_for_good() -> None:
    deliveries = Deliveries(partial=1)
    draws = deliveries.of_queue("a")

    counts = {len(deliveries.seen(draws, ["only"], waits=False)) for _ in range(20)}

    assert counts == {0, 1}


def test_the_same_seed_and_queue_draw_the_same() -> None:
    def drawn(seed: int, queue: str) -> list[object]:
        deliveries = Deliveries(seed=seed, partial=0.5)
        draws = deliveries.of_queue(queue)
        return [deliveries.seen(draws, MESSAGES, waits=False) for _ in range(20)]

    assert drawn(1, "a") == drawn(1, "a")
    assert drawn(1, "a") != drawn(2, "a")
    assert drawn(1, "a") != drawn(1, "b")
