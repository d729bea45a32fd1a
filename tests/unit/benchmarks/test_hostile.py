"""What an early callback costs, by the ledger's times; and that a run without one, or with a slow one, is no proof."""

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.hostile import Hostile, Latencies, latencies

GOOD = Hostile(
    calls_count=2,
    seconds=1.0,
    ends={"succeeded": 1, "Vendor.JobFailed": 1},
    slowest_s=1.0,
    jobs={"succeeded": 1, "failed": 1},
    submitted_twice_count=0,
    repeated_keys_count=0,
    violations_count=0,
    refused_count=0,
    forged_sent_count=1,
    forged_dead_letters_count=1,
    duplicates_sent_count=0,
    lost_count=0,
    request_dead_letters_count=0,
    early_count=1,
    early_slowest_ms=1_040,
    others_median_ms=40.0,
)


def call(job_id: str, accepted_ms: int, resumed_ms: int) -> dict[str, str]:
    times = {"accepted_epoch_ms": str(accepted_ms), "resumed_epoch_ms": str(resumed_ms)}
    return {"call_id": f"call-{job_id}", "vendor": "acme", "job_id": job_id, **times}


def job(job_id: str, answered_ms: int) -> dict[str, str]:
    return {"job_key": f"acme#{job_id}", "call_id": f"call-{job_id}", "answered_epoch_ms": str(answered_ms)}


def test_the_time_runs_from_the_half_that_came_last() -> None:
    calls = [call("early", 1_000, 1_030), call("late", 1_000, 3_040), call("same", 1_000, 1_007)]
    jobs = [job("early", 200), job("late", 3_000), job("same", 1_000)]
    assert latencies(calls, jobs) == Latencies(early_ms=[30], others_ms=[40, 7])


def test_calls_that_were_not_resumed_and_answers_that_nobody_waits_for_do_not_count() -> None:
    rejected = {"call_id": "call-x", "vendor": "acme", "rejected_epoch_ms": "5"}
    expired = {key: value for key, value in call("open", 1_000, 2_000).items() if key != "resumed_epoch_ms"}
    unanswered = {"job_key": "acme#open", "call_id": "call-open"}
    assert latencies([rejected, expired], [unanswered, job("parked", 7)]) == Latencies([], [])


def test_a_run_adds_up_with_early_callbacks_that_cost_nothing() -> None:
    assert GOOD.adds_up


@pytest.mark.parametrize("changes", [{"early_count": 0}, {"early_slowest_ms": 1_041}, {"early_slowest_ms": 180_000}])
def test_no_early_callback_or_one_that_waited_for_a_visibility_timeout_is_no_proof(changes: Any) -> None:
    assert not replace(GOOD, **changes).adds_up
