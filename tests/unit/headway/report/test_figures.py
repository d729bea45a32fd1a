from dataclasses import replace

import pytest

from headway.report.figures import (
    QUEUE,
    RESUME,
    STAGES,
    SUBMIT,
    VENDOR,
    WHOLE,
    Failure,
    ReachedPace,
    Spread,
    VendorCount,
    duration_ms,
    failures,
    pace,
    percentile,
    sent_epochs_ms,
    spread,
    steady_rate_per_s,
    succeeded,
    vendor_counts,
    window_counts,
    worst_first,
)
from headway.report.model import SUCCEEDED, CallTimes, ContractLine, RunSummary
from headway.simulator.vendor_report import CallbackReport, ScopeReport, VendorReport

DONE = CallTimes("c", 1, SUCCEEDED, None, None, 0, 100, 150, 2150, 2200, 2300)
LOST = CallTimes("x", 1, "failed", "Vendor.Rejected", None, 0, None, None, None, None, None)


def summary_of(*sent_ms: int, vendor_report: dict[str, object] | None = None) -> RunSummary:
    calls = tuple(replace(DONE, line=n, sending_epoch_ms=ms) for n, ms in enumerate(sent_ms, 1))
    return RunSummary("w", "v", "local", "i", 0, 1, ContractLine(2, 1, "submit"), calls, 0, "0", vendor_report)


def test_each_stage_lasts_from_one_recorded_time_to_the_next() -> None:
    assert [duration_ms(DONE, stage) for stage in STAGES] == [100, 50, 2000, 50, 2300]


def test_a_stage_without_its_end_has_no_duration() -> None:
    assert [duration_ms(LOST, stage) for stage in STAGES] == [None] * 5


def test_a_callback_that_overtakes_the_acceptance_counts_as_no_time() -> None:
    assert duration_ms(replace(DONE, accepted_epoch_ms=150, answered_epoch_ms=140), VENDOR) == 0


def test_the_steady_rate_leaves_out_a_slow_start_and_a_slow_end() -> None:
    # Twenty calls: 100 ms apart but for the first two and the last two, which are seconds away.
    sent = [0, 5000, *range(10_000, 11_600, 100), 11_600, 20_000]
    assert len(sent) == 20
    assert steady_rate_per_s(sent) == 10.0


def test_batches_sent_at_one_instant_do_not_inflate_the_rate() -> None:
    assert steady_rate_per_s([batch * 1000 for batch in range(10) for _ in range(10)]) == 10.0


def test_fewer_than_ten_calls_are_all_counted() -> None:
    assert steady_rate_per_s([0, 500, 1000]) == 2.0


@pytest.mark.parametrize("sent", [[], [7], [7, 7, 7]])
def test_no_time_between_calls_is_no_rate(sent: list[int]) -> None:
    assert steady_rate_per_s(sent) is None


def test_a_window_is_half_open_so_a_call_one_window_later_is_outside() -> None:
    assert window_counts([0, 400, 999, 1000, 1400], 1) == [1, 2, 3, 3, 3]


def test_windows_may_be_fractions_of_a_second() -> None:
    assert window_counts([0, 249, 250, 499], 0.25) == [1, 2, 2, 2]


def test_calls_that_were_never_sent_are_not_in_the_windows() -> None:
    assert sent_epochs_ms([replace(DONE, sending_epoch_ms=9), LOST, DONE]) == [9, 100]


def test_without_the_vendor_the_sender_counts_each_call_that_found_its_window_full() -> None:
    # Contract: 2 a second. The calls at 600 and 700 arrive as third and fourth of their window.
    against = pace(summary_of(0, 500, 600, 700, 2000))
    assert against == ReachedPace(2.0, 1.0, 4, 2, by_vendor=False, rate_by_vendor=False)


def test_the_vendors_count_takes_precedence() -> None:
    report = {"submit": {"calls": 9, "refused": 1, "worst_window": 3, "violations": 1, "utilisation": 0.9}}
    against = pace(summary_of(0, 500, vendor_report={**report, "poll": {"violations": 8}, "seed": 7}))
    assert against == ReachedPace(1.8, 0.9, 3, 1, by_vendor=True, rate_by_vendor=True)


def test_what_the_vendor_left_out_is_the_senders() -> None:
    against = pace(summary_of(0, 500, vendor_report={"submit": {"violations": 1, "utilisation": None}}))
    assert against == ReachedPace(2.0, 1.0, 2, 0, by_vendor=False, rate_by_vendor=False)


def test_the_vendors_report_is_read_scope_by_scope() -> None:
    assert vendor_counts({"poll": {"calls": 4, "refused": "?"}, "seed": 1}) == (
        VendorCount("poll", 4, None, None, None, None),
    )
    assert vendor_counts(None) == ()


def test_the_simulators_report_is_read_as_it_is() -> None:
    scope = ScopeReport("2 calls per 1 s", 9, 8, 1, 3, 1, 0.9, [])
    report = VendorReport("v", {"submit": scope}, {"done": 8}, CallbackReport(), 0, 0).as_json()
    assert vendor_counts(report) == (VendorCount("submit", 9, 1, 3, 1, 0.9),)


def test_no_calls_are_no_pace() -> None:
    assert pace(summary_of()) == ReachedPace(None, None, 0, 0, by_vendor=False, rate_by_vendor=False)


def test_percentiles_are_nearest_rank() -> None:
    tens = list(range(10, 101, 10))
    assert [percentile(tens, share) for share in (0.0, 0.1, 0.5, 0.9, 0.99, 1.0)] == [10, 10, 50, 90, 100, 100]


def test_a_spread_is_over_the_calls_that_passed_the_stage() -> None:
    calls = [replace(DONE, sending_epoch_ms=ms) for ms in range(200, 0, -1)]
    assert spread([*calls, LOST], QUEUE) == Spread(200, 1, 20, 100, 180, 198, 200)
    assert spread([LOST], RESUME) is None
    assert spread([DONE], SUBMIT) == Spread(1, 50, 50, 50, 50, 50, 50)


def test_failures_are_grouped_by_error_with_the_first_cause_and_all_lines() -> None:
    calls = [
        replace(LOST, line=9, cause="second"),
        replace(LOST, line=4, cause="first"),
        replace(LOST, line=2, cause=None),
        replace(LOST, line=3, error="States.Timeout"),
        replace(LOST, line=5, outcome="cancelled", error=None),
        DONE,
    ]
    assert succeeded(calls) == 1
    assert failures(calls) == (
        Failure("Vendor.Rejected", 3, "first", (2, 4, 9)),
        Failure("States.Timeout", 1, None, (3,)),
        Failure("cancelled", 1, None, (5,)),
    )


def test_failed_calls_come_first_by_line_and_then_the_slowest() -> None:
    slow = replace(DONE, line=7, finished_epoch_ms=9000)
    calls = [DONE, replace(LOST, line=8), slow, replace(LOST, line=6)]
    assert [call.line for call in worst_first(calls, 4)] == [6, 8, 7, 1]
    assert duration_ms(slow, WHOLE) == 9000
