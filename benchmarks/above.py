"""Above capacity: a contract of more calls a second than the machine can make, beside the plain reference.

Each run has a cloud of its own: a warm-up, then a backlog that is let go at once. A vendor in its own process counts at
its door. Headway and the plain reference run in alternation; the ratio is that of the medians. Processor time is that
of the cloud's server and workers, from the start of the backlog to its last end.
"""

import json
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.above_run import AboveRun, run_of
from benchmarks.figures import told
from benchmarks.plain.deployment import deploy_plain
from benchmarks.sides import Side
from headway.cloud import process
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import VENDOR
from headway.testing.paced import Contract, Setting, paced_laboratory

RATE_PER_S: Final = 500
CALLBACKS_AFTER_S: Final = (0.2, 16.0)
DISPATCHERS_COUNT: Final = 2
LEAST_RATIO: Final = 0.95
LATEST_S: Final = 10.0
MS_PER_S: Final = 1_000


class Way(StrEnum):
    """Whose pipeline a run goes through."""

    HEADWAY = "headway"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Pairs:
    """All runs with callbacks after a time, each way in the order of its runs."""

    callback_s: float
    runs: Mapping[Way, Sequence[AboveRun]]

    def median(self, way: Way, figure: Callable[[AboveRun], float]) -> float:
        """Return the median of a figure over the runs of a way."""
        return statistics.median(map(figure, self.runs[way]))

    def ratio(self, figure: Callable[[AboveRun], float]) -> float:
        """Return Headway's median of a figure over the plain one."""
        return self.median(Way.HEADWAY, figure) / self.median(Way.PLAIN, figure)

    @property
    def is_good(self) -> bool:
        """Whether Headway is about as fast, leaves no call behind, and brings all to a good end."""
        ours = self.runs[Way.HEADWAY]
        kept = all(run.largest_gap_s <= LATEST_S and run.failed_count == 0 for run in ours)
        return kept and self.ratio(lambda run: run.calls_per_s) >= LEAST_RATIO


FIGURES: Final[Mapping[str, Callable[[AboveRun], float]]] = {
    "calls/s at the vendor": lambda run: run.calls_per_s,
    "calls/s, middle of the run": lambda run: run.middle_per_s,
    "largest gap between calls, s": lambda run: run.largest_gap_s,
    "processor ms per call": lambda run: run.processor_ms_per_call,
    "MB of a worker (PSS, median)": lambda run: run.worker_pss_mb,
    "workers": lambda run: run.workers_count,
    "calls at the vendor beyond one each": lambda run: run.surplus_count,
    "calls that did not end well": lambda run: run.failed_count,
}


def measure(way: Way, rate_per_s: int, callback_s: float, calls_count: int, logs: Path | None = None) -> AboveRun:
    """Make one run on a cloud of its own; its log is kept as a file of `logs`, where that is given."""
    contract = Contract(rate_per_s, job_time_s=callback_s)
    with TemporaryDirectory() as folder, ExitStack() as opened:
        scratch = Path(folder)
        if logs:
            logs.mkdir(parents=True, exist_ok=True)
            opened.callback(shutil.copy, scratch / process.LOG_FILE, logs / f"{way}-{callback_s:g}.log")
        if way is Way.HEADWAY:
            setting = Setting("permits", "permits", rate_per_s, result_in_callback=True)  # as the plain one does
            lab = opened.enter_context(paced_laboratory(scratch, contract, setting))
            side = Side.of_laboratory(lab)
        else:
            vendor = opened.enter_context(in_process(scratch, VENDOR, contract.options))
            opened.callback(process.stop, scratch)
            delay_ms = MS_PER_S * DISPATCHERS_COUNT // rate_per_s
            side = deploy_plain(scratch / "assembly", process.start(scratch), vendor, rate_per_s, delay_ms)
        return run_of(side, calls_count)


def summary_of(run: AboveRun) -> str:
    """Return all figures of a run in one line."""
    return ", ".join(f"{name} {told(float(figure(run)))}" for name, figure in FIGURES.items())


def table_of(pairs: Pairs) -> Table:
    """Draw the medians, with all runs of each figure beside them."""
    title = f"callbacks after {pairs.callback_s:g} s, medians (all runs)"
    table = Table("", *Way, "ratio", title=title, title_justify="left")
    for name, figure in FIGURES.items():
        all_runs = {way: " ".join(told(float(figure(run))) for run in pairs.runs[way]) for way in Way}
        cells = [f"{told(float(pairs.median(way, figure)))} ({all_runs[way]})" for way in Way]
        table.add_row(name, *cells, told(pairs.ratio(figure)) if pairs.median(Way.PLAIN, figure) else "")
    return table


def main(
    *,
    pairs: Annotated[int, typer.Option(help="Runs of each way, in alternation.", min=1)] = 5,
    callback_s: Annotated[
        list[float] | None,
        typer.Option(help="Seconds until the vendor calls back; may be repeated. 0.2 and 16.", min=0),
    ] = None,
    calls: Annotated[int, typer.Option(help="Calls of a run.", min=20)] = 600,
    rate: Annotated[int, typer.Option(help="Contract in calls/s.", min=1)] = RATE_PER_S,
    logs: Annotated[Path | None, typer.Option(help="Folder to keep the last log of each way's cloud in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON, and nothing else.")] = False,
) -> None:
    """Print calls/s, the largest gap, processor time and memory of both ways under a contract that the machine cannot
    make; exit code 1 where Headway makes less than 0.95 of the plain reference's calls/s, or leaves a call behind.

    A pair takes two to three minutes on two cores; close other programs, or it
    measures those.

    For example:

        python -m benchmarks.above --pairs 1 --callback-s 0.2 --calls 200
    """
    out = Console(stderr=as_json, highlight=False, width=132)
    measured = []
    for after_s in callback_s or CALLBACKS_AFTER_S:
        runs: dict[Way, list[AboveRun]] = {way: [] for way in Way}
        with Progress(console=out, transient=True) as progress:
            bar = progress.add_task("", total=pairs * len(Way))
            for number in range(pairs):
                for way in Way:
                    progress.update(bar, description=f"callbacks after {after_s:g} s, pair {number + 1}: {way}")
                    runs[way].append(measure(way, rate, after_s, calls, logs))
                    progress.console.print(f"{way}: {summary_of(runs[way][-1])}")
                    progress.advance(bar)
        measured.append(Pairs(after_s, runs))
        out.print(table_of(measured[-1]))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in measured], indent=2))
    raise typer.Exit(0 if all(one.is_good for one in measured) else 1)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
