"""What a run came to: counts, figures per vendor, exit code and one JSON document."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.report.figures import WHOLE, Failure, contract_rate_per_s, pace, spread
from headway.report.model import RunSummary
from headway.run.results import LineOutcome, Record, read_records


@dataclass(frozen=True, slots=True)
class VendorRun:
    """The calls to one vendor, and the report of them where one was written."""

    summary: RunSummary
    report: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the figures of the report's first page."""
        reached, whole = pace(self.summary), spread(self.summary.calls, WHOLE)
        return {
            "calls_per_s": reached.rate_per_s,
            "contract_per_s": contract_rate_per_s(self.summary.contract),
            "share_of_contract": reached.share,
            "busiest_window": reached.busiest_window,
            "violations": reached.violations,
            "latency_p50_ms": whole.p50_ms if whole else None,
            "latency_p99_ms": whole.p99_ms if whole else None,
            "report": str(self.report) if self.report else None,
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that came to its end, or was interrupted.

    `counts` and `failures` are of the lines that ended in this run, whose records begin at `began` in the file of
    `results`; `bad_lines` are reasons, the first ones. `open_count` executions go on, `unstarted_count` lines have none
    yet.
    """

    workflow: str
    target: str
    source: Path
    results: Path
    began: int
    counts: Mapping[LineOutcome, int]
    failures: tuple[Failure, ...]
    bad_lines: tuple[str, ...]
    skipped_count: int
    open_count: int
    unstarted_count: int
    interrupted: bool
    vendors: Mapping[str, VendorRun]

    @property
    def exit_code(self) -> int:
        """Return 0 where every line has succeeded, in this run or before, 1 where not, 130 after Ctrl-C."""
        if self.interrupted:
            return 130
        return 0 if self.count(LineOutcome.SUCCEEDED) == sum(self.counts.values()) else 1

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of this run in the order of their lines, read from the results file: all of them at once."""
        return tuple(sorted(read_records(self.results, self.began), key=lambda record: record.line))

    def count(self, outcome: LineOutcome) -> int:
        """Count the lines that ended so in this run."""
        return self.counts.get(outcome, 0)

    def as_json(self) -> dict[str, Any]:
        """Return the run as JSON values; its lines are in the results file."""
        return {
            "workflow": self.workflow,
            "target": self.target,
            "input": str(self.source),
            "results": str(self.results),
            "exit_code": self.exit_code,
            "totals": {
                **{outcome.value: self.count(outcome) for outcome in LineOutcome},
                "skipped": self.skipped_count,
                "open": self.open_count,
                "unstarted": self.unstarted_count,
            },
            "errors": {
                failure.error: {"count": failure.count, "first_cause": failure.first_cause} for failure in self.failures
            },
            "vendors": {name: vendor.as_json() for name, vendor in self.vendors.items()},
        }
