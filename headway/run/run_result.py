"""What a run came to: records in; counts, figures per vendor, exit code and one JSON document out. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.report.figures import WHOLE, Failure, contract_rate_per_s, failures, pace, spread
from headway.report.model import CallTimes, RunSummary
from headway.run.results import STARTED, LineOutcome, Record


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

    `records` has the lines that ended in this run, ascending; `open_count` executions go on, `unstarted_count` lines
    have none yet.
    """

    workflow: str
    target: str
    source: Path
    results: Path
    records: tuple[Record, ...]
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
        return 0 if self.count(LineOutcome.SUCCEEDED) == len(self.records) else 1

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What did not succeed, by error name; the most frequent first."""
        return failures([call_times(record) for record in self.records])

    def count(self, outcome: LineOutcome) -> int:
        """Count the lines that ended so in this run."""
        return Counter(record.outcome for record in self.records)[outcome]

    def as_json(self) -> dict[str, Any]:
        """Return the run as JSON values, without payloads and outputs: those are in the results file."""
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
            "lines": [
                {name: getattr(record, name) for name in ("line", "vendor", "outcome", "error", "execution")}
                for record in self.records
            ],
        }


def call_times(record: Record) -> CallTimes:
    """Turn a record into a line of the report.

    A call counts as queued from the start of its execution: the ledger hears of it only when the dispatcher takes it
    out of the request queue.
    """
    times = record.times
    return CallTimes(
        call_id=record.execution.rsplit(":", 1)[1] if record.execution else record.key,
        line=record.line,
        outcome=record.outcome.value,
        error=record.error,
        cause=record.cause,
        queued_epoch_ms=times.get(STARTED),
        dispatching_epoch_ms=times.get("dispatching_epoch_ms"),
        accepted_epoch_ms=times.get("accepted_epoch_ms"),
        answered_epoch_ms=times.get("answered_epoch_ms"),
        resumed_epoch_ms=times.get("resumed_epoch_ms"),
        finished_epoch_ms=times.get("finished_epoch_ms"),
    )
