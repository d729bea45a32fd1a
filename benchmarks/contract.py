"""How much of a contract is used, and how often it is broken: plain pacing and permits, through the whole pipeline.

One machine, one go. A backlog is let go at once. Jobs take longer than its submits, so that two cores have not to work
on callbacks meanwhile (`--job-time-s 2` for both at once). Everything is counted on arrival, by a vendor in its own
process: utilisation of the limit per second (the first and the last tenth of the calls left out), the worst window,
violations.

* `rate`: for each contract rate the pipeline's own ceiling without a contract, the plain way at several settings, and
  Headway's permits.
* `slow`: permits, with a vendor that takes its time to answer a submit.
* `together`: permits, under a limit per second, one per minute and one on jobs in flight at once.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from headway.testing.paced import Contract, Seen, Setting, paced_laboratory, run_backlog

NO_CONTRACT = 10_000
WARM_UP_CALLS = 60
PLAIN_SHARES = (0.75, 0.85, 0.98)
CALLS = {20: 300, 35: 500}
HEADROOM_MS = {35: 20}
"""The busier the machine, the longer its jitter; an operator would set the same."""
DEFAULT_HEADROOM_MS = 15
TOGETHER = Contract(20, per_minute=300, jobs_in_flight=30)
TOGETHER_CALLS = 450
"""The second 300 of a minute's budget begin a minute after the first: the run takes longer than 90 s if it is kept."""
SLOW_ANSWER_S = 0.25
SLOW_HEADROOM_MS = 40
"""Its answers prove nothing, so the headroom alone has to cover what delays a call on this machine."""
WIDTH = 132


class Case(StrEnum):
    """What is measured."""

    RATE = "rate"
    SLOW = "slow"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs of one setting under one contract."""

    case: Case
    contract: Contract
    setting: Setting
    runs: Sequence[Seen]

    @property
    def utilisation(self) -> float:
        """The median of the runs."""
        return statistics.median(run.utilisation for run in self.runs)

    @property
    def is_clean(self) -> bool:
        """Whether no run broke any limit."""
        return all(
            run.violations_count == 0
            and run.worst_minute_count <= (self.contract.per_minute or run.worst_minute_count)
            and run.worst_in_flight_count <= (self.contract.jobs_in_flight or run.worst_in_flight_count)
            for run in self.runs
        )


class Bench:
    """Measures one setting after the other, each on a cloud of its own."""

    def __init__(self, runs_count: int, headroom_ms: int | None, job_time_s: float, out: Console) -> None:
        self._runs_count = runs_count
        self._headroom_ms = headroom_ms
        self._job_time_s = job_time_s
        self._out = out
        self.measured: list[Measured] = []

    def permits(self, case: Case, contract: Contract, calls_count: int, runs_count: int | None = None) -> Measured:
        """Measure Headway's permits at the whole contract."""
        usual_ms = SLOW_HEADROOM_MS if contract.answer_jitter_s else DEFAULT_HEADROOM_MS
        headroom_ms = self._headroom_ms or HEADROOM_MS.get(contract.rate_per_s, usual_ms)
        setting = Setting(
            f"permits, headroom {headroom_ms} ms",
            "permits",
            contract.rate_per_s,
            headroom_ms,
            answers_prove_arrival=not contract.answer_jitter_s,
        )
        return self.measure(case, contract, setting, calls_count, runs_count or self._runs_count)

    def plain(self, contract: Contract, share: float, calls_count: int) -> Measured:
        """Measure the plain way at a share of the contract."""
        setting = Setting(f"plain at {share:.0%}", "delay", share * contract.rate_per_s)
        return self.measure(Case.RATE, contract, setting, calls_count, self._runs_count)

    def ceiling_per_s(self, calls_count: int) -> float:
        """Measure the submits per second that the pipeline makes when nothing paces it."""
        contract, setting = self.contract(NO_CONTRACT), Setting("no contract", "delay", NO_CONTRACT)
        [seen] = self.measure(Case.RATE, contract, setting, calls_count, 1).runs
        self.measured.pop()
        return seen.utilisation * NO_CONTRACT

    def contract(self, rate_per_s: int, answer_jitter_s: float = 0.0) -> Contract:
        """Return the contract of a rate."""
        return Contract(rate_per_s, job_time_s=self._job_time_s, answer_jitter_s=answer_jitter_s)

    def measure(self, case: Case, contract: Contract, setting: Setting, calls_count: int, runs_count: int) -> Measured:
        """Run one setting several times, after a warm-up that does not count."""
        with (
            Progress(console=self._out, transient=True) as bar,
            TemporaryDirectory() as folder,
            paced_laboratory(Path(folder), contract, setting) as lab,
        ):
            task = bar.add_task(f"{contract.rate_per_s}/s, {setting.name}", total=runs_count + 1)
            warm_up = min(WARM_UP_CALLS, calls_count)
            run_backlog(lab, warm_up, "warm-up")
            runs = []
            for number in range(runs_count):
                bar.advance(task)
                runs.append(run_backlog(lab, calls_count, f"run-{number}"))
        measured = Measured(case, contract, setting, runs)
        self.measured.append(measured)
        return measured


def main(
    *,
    case: Annotated[list[Case] | None, typer.Option(help="What to measure; may be repeated. All unless given.")] = None,
    rate: Annotated[list[int] | None, typer.Option(help="Contract in calls/s; may be repeated. 20 and 35.")] = None,
    runs: Annotated[int, typer.Option(help="Runs of each setting.", min=1)] = 5,
    headroom_ms: Annotated[
        int | None, typer.Option(help="Headroom of the permits; by rate unless given.", min=1)
    ] = None,
    job_time_s: Annotated[float, typer.Option(help="Seconds from a submit to its callback.", min=0)] = 16.0,
    permits_only: Annotated[bool, typer.Option("--permits-only", help="Leave out ceiling and plain way.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON, and nothing else.")] = False,
) -> None:
    """Print utilisation, worst window and violations of each way, as the vendor saw them.

    All of it takes about half an hour on two cores; close other programs, or
    it measures those.

    For example:

        python -m benchmarks.contract --case rate --rate 20 --permits-only --runs 2
    """
    out = Console(stderr=as_json, highlight=False, width=WIDTH)
    bench = Bench(runs, headroom_ms, job_time_s, out)
    cases = case or list(Case)
    if Case.RATE in cases:
        for rate_per_s in rate or sorted(CALLS):
            _rate(bench, rate_per_s, permits_only, out)
    if Case.SLOW in cases:
        slow = bench.permits(Case.SLOW, bench.contract(20, SLOW_ANSWER_S), CALLS[20])
        out.print(_table(f"20/s, answers to submits after {SLOW_ANSWER_S * 1_000:g} ms (exponential)", [slow]))
    if Case.TOGETHER in cases:
        together = bench.permits(Case.TOGETHER, TOGETHER, TOGETHER_CALLS, 1)
        out.print(_table("20/s, 300 a minute and 30 jobs in flight at once", [together]))
    if as_json:
        typer.echo(json.dumps([asdict(measured) for measured in bench.measured], indent=2))


def _rate(bench: Bench, rate_per_s: int, permits_only: bool, out: Console) -> None:
    calls_count, contract = CALLS.get(rate_per_s, 15 * rate_per_s), bench.contract(rate_per_s)
    plain: list[Measured] = []
    if not permits_only:
        out.print(f"Without a contract the pipeline submits {bench.ceiling_per_s(calls_count):.1f} calls/s.")
        plain = [bench.plain(contract, share, calls_count) for share in PLAIN_SHARES]
    permits = bench.permits(Case.RATE, contract, calls_count)
    out.print(_table(f"{rate_per_s}/s, {calls_count} calls", [*plain, permits]))
    clean = [measured for measured in plain if measured.is_clean]
    if clean:
        best = max(clean, key=lambda measured: measured.utilisation)
        ratio = permits.utilisation / best.utilisation
        out.print(
            f"Best plain setting without a violation: {best.setting.name}; permits use {ratio:.2f} times as much."
        )
    if plain:
        most = max(plain, key=lambda measured: measured.utilisation)
        broken = sum(run.violations_count for run in most.runs)
        out.print(f"Best plain setting by utilisation: {most.setting.name}, with {broken} violations.")


def _table(title: str, rows: Sequence[Measured]) -> Table:
    columns = ["way", "utilisation of each run", "median", "worst window", "violations", "failed", "writes/call", "run"]
    contract = rows[0].contract
    extra = [("worst minute", contract.per_minute), ("most in flight", contract.jobs_in_flight)]
    table = Table(*columns, *(name for name, limit in extra if limit), title=title, title_justify="left")
    for measured in rows:
        runs = measured.runs
        worst = {
            "worst minute": max(run.worst_minute_count for run in runs),
            "most in flight": max(run.worst_in_flight_count for run in runs),
        }
        table.add_row(
            measured.setting.name,
            " ".join(f"{run.utilisation:.3f}" for run in runs),
            f"{measured.utilisation:.3f}",
            f"{max(run.worst_window_count for run in runs)} of {contract.rate_per_s}",
            " ".join(str(run.violations_count) for run in runs),
            " ".join(str(run.failed_count) for run in runs),
            f"{statistics.median(run.writes_per_call for run in runs):.2f}",
            f"{max(run.span_s for run in runs):.0f} s",
            *(f"{worst[name]} of {limit}" for name, limit in extra if limit),
        )
    return table


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
