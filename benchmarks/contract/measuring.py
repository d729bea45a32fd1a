"""Measuring one way of pacing under one contract through the whole pipeline, and laying out what the vendor saw."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from headway.testing.paced import Contract, Seen, Setting, paced_laboratory, run_backlog

NO_CONTRACT = 10_000
WARM_UP_CALLS = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """All runs of one setting under one contract, in a section of the benchmark."""

    section: str
    contract: Contract
    setting: Setting
    runs: Sequence[Seen]

    @property
    def utilisation(self) -> float:
        """The median of the runs."""
        return statistics.median(run.utilisation for run in self.runs)

    @property
    def calls_per_s(self) -> float:
        """The median of the runs."""
        return self.utilisation * self.contract.rate_per_s

    @property
    def reachable(self) -> float:
        """What the headroom that was in force leaves of the contract: 1 / (1 + H / W), the median of the runs."""
        return statistics.median(1 / (1 + run.headroom_ms / 1_000) for run in self.runs)

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
    """Measures one setting after the other, each on a cloud of its own. `headroom_ms` None: as it is learned."""

    def __init__(self, runs_count: int, headroom_ms: int | None, job_time_s: float, out: Console) -> None:
        self._runs_count = runs_count
        self._headroom_ms = headroom_ms
        self.job_time_s = job_time_s
        self.out = out
        self.measured: list[Figures] = []

    def permits(self, section: str, contract: Contract, calls_count: int, runs_count: int | None = None) -> Figures:
        """Measure Headway's permits at the whole contract."""
        named = f"{self._headroom_ms} ms" if self._headroom_ms else "auto"
        setting = Setting(f"permits, headroom {named}", "permits", contract.rate_per_s, self._headroom_ms)
        return self.measure(section, contract, setting, calls_count, runs_count or self._runs_count)

    def plain(self, contract: Contract, share: float, calls_count: int) -> Figures:
        """Measure the plain way at a share of the contract."""
        setting = Setting(f"plain at {share:.0%}", "delay", share * contract.rate_per_s)
        return self.measure("rate", contract, setting, calls_count, self._runs_count)

    def ceiling_per_s(self, calls_count: int) -> float:
        """Measure the submits per second that the pipeline makes when nothing paces it."""
        contract = Contract(NO_CONTRACT, job_time_s=self.job_time_s)
        setting = Setting("no contract", "delay", NO_CONTRACT)
        [seen] = self.measure("rate", contract, setting, calls_count, 1).runs
        self.measured.pop()
        return seen.utilisation * NO_CONTRACT

    def measure(self, section: str, contract: Contract, setting: Setting, calls_count: int, runs_count: int) -> Figures:
        """Run one setting several times, after a warm-up that does not count."""
        with (
            Progress(console=self.out, transient=True) as bar,
            TemporaryDirectory() as folder,
            paced_laboratory(Path(folder), contract, setting) as lab,
        ):
            task = bar.add_task(f"{contract.rate_per_s}/s, {setting.name}", total=runs_count + 1)
            run_backlog(lab, min(WARM_UP_CALLS, calls_count), "warm-up")
            runs = []
            for number in range(runs_count):
                bar.advance(task)
                runs.append(run_backlog(lab, calls_count, f"run-{number}"))
        measured = Figures(section, contract, setting, runs)
        self.measured.append(measured)
        return measured


def table(title: str, rows: Sequence[Figures]) -> Table:
    """Lay out settings of one contract, one a row."""
    contract = rows[0].contract
    extra = [("worst minute", contract.per_minute), ("most in flight", contract.jobs_in_flight)]
    columns = ["way", "of each run", "median", "of what H leaves", "calls/s", "worst", "violations", "failed"]
    names = [name for name, limit in extra if limit]
    laid = Table(*columns, *names, "writes/call", "H, ms", "run", title=title, title_justify="left")
    for measured in rows:
        runs = measured.runs
        worst = {
            "worst minute": max(run.worst_minute_count for run in runs),
            "most in flight": max(run.worst_in_flight_count for run in runs),
        }
        laid.add_row(
            measured.setting.name,
            " ".join(f"{run.utilisation:.3f}" for run in runs),
            f"{measured.utilisation:.3f}",
            f"{measured.utilisation / measured.reachable:.3f}",
            f"{measured.calls_per_s:.2f}",
            f"{max(run.worst_window_count for run in runs)} of {contract.rate_per_s}",
            " ".join(str(run.violations_count) for run in runs),
            " ".join(str(run.failed_count) for run in runs),
            *(f"{worst[name]} of {limit}" for name, limit in extra if limit),
            f"{statistics.median(run.writes_per_call for run in runs):.2f}",
            f"{statistics.median(run.headroom_ms for run in runs):.0f}",
            f"{max(run.span_s for run in runs):.0f} s",
        )
    return laid
