"""How much of a contract is used, and how often it is broken: plain pacing and permits, through the whole pipeline.

One machine, one go: for each contract rate the pipeline's own ceiling without a contract, the plain way at several
settings, and Headway's permits. Everything is counted by the vendor, in its own process, on arrival.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.pipeline import WARM_UP_CALLS, Seen, Setting, cloud, vendor

NO_CONTRACT = 10_000
PLAIN_SHARES = (0.75, 0.82, 0.9, 0.98)
CALLS = {20: 300, 35: 500}


def measure(
    contract_rate: int, setting: Setting, calls_count: int, runs_count: int, answer_jitter_s: float = 0.0
) -> list[Seen]:
    """Run one setting several times on a fresh cloud, after a warm-up that does not count."""
    with TemporaryDirectory() as folder, vendor(Path(folder), contract_rate, answer_jitter_s) as url:
        scratch = Path(folder)
        with cloud(scratch, contract_rate, setting, url) as pipeline:
            pipeline.run(WARM_UP_CALLS, "warm-up")
            return [pipeline.run(calls_count, f"run-{number}") for number in range(runs_count)]


def main(
    rate: Annotated[list[int] | None, typer.Option(help="Contract in calls/s; may be repeated.")] = None,
    runs: Annotated[int, typer.Option(help="Runs of each setting.")] = 5,
    headroom_ms: Annotated[int, typer.Option(help="Headroom of the permits.")] = 20,
    answer_jitter_s: Annotated[float, typer.Option(help="Mean of the vendor's exponential answer time.")] = 0.0,
    permits_only: Annotated[bool, typer.Option("--permits-only", help="Leave out ceiling and plain way.")] = False,
) -> None:
    """Print utilisation, worst window and violations of each way, as the vendor saw them."""
    out = Console()
    for contract_rate in rate or sorted(CALLS):
        calls_count = CALLS.get(contract_rate, 15 * contract_rate)
        table = Table(
            "way", "utilisation: each run", "median", "worst window", "violations", title=f"{contract_rate}/s"
        )
        if not permits_only:
            ceiling = measure(NO_CONTRACT, Setting("no contract", "delay", NO_CONTRACT), calls_count, 1)[0]
            out.print(f"Without a contract the pipeline makes {ceiling.calls_count / ceiling.duration_s:.1f} calls/s.")
            for share in PLAIN_SHARES:
                setting = Setting(f"plain at {share:.0%}", "delay", share * contract_rate)
                _add(table, setting, measure(contract_rate, setting, calls_count, runs, answer_jitter_s))
        permits = Setting(
            f"permits, headroom {headroom_ms} ms", "permits", contract_rate, headroom_ms, not answer_jitter_s
        )
        _add(table, permits, measure(contract_rate, permits, calls_count, runs, answer_jitter_s))
        out.print(table)


def _add(table: Table, setting: Setting, seen: Sequence[Seen]) -> None:
    table.add_row(
        setting.name,
        " ".join(f"{run.utilisation:.3f}" for run in seen),
        f"{statistics.median(run.utilisation for run in seen):.3f}",
        str(max(run.worst_window_count for run in seen)),
        " ".join(str(run.violations_count) for run in seen),
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
