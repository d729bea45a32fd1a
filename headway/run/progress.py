"""A run's progress for the person at the terminal: a live bar, or a plain line every few seconds where there is none.

All of it goes to standard error; standard output carries the result alone.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headway.report import wording
from headway.run.tally import LaneWait, LivePace, RunTally

PLAIN_EVERY_S: Final = 5.0
Show = Callable[[RunTally], None]


@contextmanager
def showing(console: Console) -> Iterator[Show]:
    """Show every tally that the yielded function is given, in the way that fits the console."""
    if not console.is_terminal:
        yield plain(console.file.write, time.monotonic)
        return
    with Live(console=console, transient=True) as screen:
        yield lambda tally: screen.update(picture(tally))


def plain(write: Callable[[str], object], clock_s: Callable[[], float]) -> Show:
    """Return a function that writes a line of text every PLAIN_EVERY_S and drops the tallies between."""
    last_s: float | None = None

    def show(tally: RunTally) -> None:
        nonlocal last_s
        if last_s is None or clock_s() - last_s >= PLAIN_EVERY_S:
            last_s = clock_s()
            write(f"{tally.done_count}/{tally.total_count} done | {sentence(tally)} | {_clock(tally)}\n")

    return show


def picture(tally: RunTally) -> Group:
    """Draw a bar with the time, and the counts below it."""
    line = Table.grid(padding=(0, 1))
    done = f"{tally.done_count:,}/{tally.total_count:,}"
    line.add_row(
        ProgressBar(total=max(1, tally.total_count), completed=tally.done_count, width=40), done, _clock(tally)
    )
    return Group(line, Text(sentence(tally), style="dim"))


def sentence(tally: RunTally) -> str:
    """Say the counts, what waits and the pace: not started 40 · queued 3 · called 2 · answered 1 · done 90 · failed 4
    · replicate waiting 5 of 3,000 · replicate 9.4/s of 10/s.
    """
    counts = tally.counts
    places = {
        "not started": counts.unstarted_count,
        "queued": counts.queued_count,
        "called": counts.called_count,
        "answered": counts.answered_count,
        "done": counts.succeeded_count,
        "failed": counts.failed_count + counts.changed_count + tally.invalid_count,
        "skipped": tally.skipped_count,
    }
    shown = [f"{name} {count:,}" for name, count in places.items() if count or name not in ("not started", "skipped")]
    waits = [_wait(wait) for wait in tally.waits if counts.unstarted_count or wait.waiting_count]
    return " · ".join([*shown, *waits, *(_pace(pace) for pace in tally.paces)])


def _wait(wait: LaneWait) -> str:
    name = f"{wait.vendor} urgent" if wait.urgent else wait.vendor
    others = f" and {wait.others_count:,} of others" if wait.others_count else ""
    return f"{name} waiting {wait.waiting_count:,}{others} of {wait.limit_count:,}"


def _pace(pace: LivePace) -> str:
    seconds, unit = wording.rate_unit(pace.contract_per_s)
    reached, contract = wording.number(pace.rate_per_s * seconds), wording.number(pace.contract_per_s * seconds)
    return f"{pace.vendor} {reached}/{unit} of {contract}/{unit}"


def _clock(tally: RunTally) -> str:
    left = "" if tally.remaining_s is None else f", about {_seconds(tally.remaining_s)} left"
    return f"{_seconds(tally.elapsed_s)}{left}"


def _seconds(seconds: float) -> str:
    return wording.duration(max(1, round(seconds)) * 1_000) if seconds >= 59.5 else f"{seconds:.0f} s"
