"""What makes a surge a good one: answered at once, mailed once and within the contract, noted at both ends."""

from dataclasses import replace

import pytest

from benchmarks.surge import ANSWERED_WITHIN_MS, Surge

GOOD = Surge(
    posts_count=300,
    posted_s=10.0,
    answers={"202": 300},
    answer_median_ms=40,
    answer_p99_ms=ANSWERED_WITHIN_MS,
    answer_slowest_ms=2_000,
    mails_count=300,
    mails_twice_count=0,
    worst_window_count=20,
    contract_per_s=20,
    over_contract_count=0,
    contract_used=0.9,
    received_count=300,
    confirmed_count=300,
    other_events={},
    left_in_queues_count=0,
    denials_count=0,
    drained_s=60.0,
    server_peak_mb=170.0,
)


def test_a_surge_of_which_nothing_is_lost_is_complete() -> None:
    assert GOOD.is_complete


@pytest.mark.parametrize(
    "change",
    [
        {"answers": {"202": 299, "429": 1}},
        {"answers": {"202": 299}},
        {"answer_p99_ms": ANSWERED_WITHIN_MS + 1},
        {"mails_count": 299},
        {"mails_count": 301},
        {"mails_twice_count": 1},
        {"over_contract_count": 1},
        {"received_count": 299},
        {"confirmed_count": 299},
        {"other_events": {"failed": 1}},
        {"left_in_queues_count": 1},
        {"denials_count": 1},
    ],
    ids=str,
)
def test_a_surge_is_not_complete_where(change: dict[str, object]) -> None:
    assert not replace(GOOD, **change).is_complete  # type: ignore[arg-type]
