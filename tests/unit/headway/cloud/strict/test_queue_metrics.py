"""How old the oldest message of a queue is, as SQS counts it."""

from typing import Any

from headway.cloud.strict.queue_metrics import age_s

NOW_S = 1_000.0


def message(sent_at: float, **more: Any) -> dict[str, Any]:
    return {"sent_at": sent_at, "visible_at": sent_at, "receive_count": 0, "receipt_handle": None, "sys": {}, **more}


def test_the_oldest_message_counts_also_while_it_is_in_flight() -> None:
    flying = message(400, receive_count=1, receipt_handle="r", visible_at=NOW_S + 30)
    assert age_s([message(900), flying], NOW_S) == 600


def test_a_message_of_a_standard_queue_that_was_received_three_times_is_left_out() -> None:
    poisonous = message(100, receive_count=3, receipt_handle="r")
    assert age_s([message(900), poisonous], NOW_S) == 100
    assert age_s([poisonous], NOW_S) is None
    assert age_s([message(900), poisonous], NOW_S, fifo=True) == 900


def test_in_a_dead_letter_queue_a_message_is_as_old_as_its_stay_there() -> None:
    moved = message(100, visible_at=950, receive_count=5, sys={"DeadLetterQueueSourceArn": "arn"})
    assert age_s([moved], NOW_S) == 50


def test_an_empty_queue_has_no_age() -> None:
    assert age_s([], NOW_S) is None
