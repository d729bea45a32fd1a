import pytest

from headway.run.progress import plain, sentence
from headway.run.tally import Counts, LivePace, RunTally, recent_rate_per_s

TALLY = RunTally(
    Counts(queued_count=3, called_count=2, answered_count=1, succeeded_count=9, failed_count=1),
    skipped_count=20,
    invalid_count=4,
    elapsed_s=50,
    paces=(LivePace("acme", 9.44, 10), LivePace("globex", 0.05, 0.1)),
)


def test_a_tally_adds_up() -> None:
    assert (TALLY.done_count, TALLY.total_count) == (34, 40)


def test_the_time_left_is_that_of_the_lines_so_far() -> None:
    assert TALLY.remaining_s == 30


def test_no_time_is_promised_before_a_line_has_ended() -> None:
    assert RunTally(Counts(queued_count=3), 0, 4, 5, ()).remaining_s is None


@pytest.mark.parametrize(
    ("sent_epoch_ms", "rate"),
    [
        ([], 0),
        ([1_000], 0),  # long ago
        (range(10_100, 20_000, 100), 10.0),
        ([19_900, 19_950], 2.0),  # a run that has just begun is not measured over a part of a second
        (range(18_000, 20_000, 100), 10.0),
    ],
)
def test_the_live_pace_is_that_of_the_last_seconds(sent_epoch_ms: list[int], rate: float) -> None:
    assert recent_rate_per_s(sent_epoch_ms, 20_000) == pytest.approx(rate)


def test_a_tally_reads_as_one_line() -> None:
    assert sentence(TALLY) == (
        "queued 3 · called 2 · answered 1 · done 9 · failed 5 · skipped 20 · acme 9.4/s of 10/s · globex 3/min of 6/min"
    )


def test_without_a_terminal_a_line_is_written_every_few_seconds() -> None:
    lines: list[str] = []
    times = iter([0.0, 2.0, 4.9, 5.0, 5.0, 6.0])
    show = plain(lines.append, lambda: next(times))
    for _ in range(5):
        show(TALLY)
    assert len(lines) == 2
    assert lines[0].startswith("34/40 done | queued 3 ")
    assert lines[0].endswith("| 50 s, about 30 s left\n")
