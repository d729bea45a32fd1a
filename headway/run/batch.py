"""A whole run: a file of payloads in; its results file, its reports and a RunResult out."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headway.deployment.connection import Connection
from headway.errors import RunRefused
from headway.report.model import ContractLine, RunSummary
from headway.run.executions import Executions
from headway.run.ledger_watch import LedgerWatch
from headway.run.lines import BadLine
from headway.run.preparation import EVERYTHING, Choices, PreparedRun, check, prepare
from headway.run.results import LineOutcome, Record, ResultsFile, beside
from headway.run.run_result import RunResult, VendorRun, call_times
from headway.run.run_watch import RunWatch
from headway.run.surroundings import Surroundings
from headway.run.tally import LivePace, RunTally, recent_rate_per_s


def run_file(
    workflow: str,
    source: Path,
    connection: Connection,
    choices: Choices = EVERYTHING,
    *,
    progress: Callable[[RunTally], None] = lambda _: None,
    vendor_report: Callable[[], Mapping[str, Any] | None] = lambda: None,
    surroundings: Surroundings | None = None,
    configuration: Path,
) -> RunResult:
    """Call the workflow once per line of `source` and wait for all to end.

    Ctrl-C returns what has ended so far with `interrupted` set; executions go on. `vendor_report` is asked at the end
    for the vendor's own count. Raises RunRefused before anything is started, CloudLost after.
    """
    surroundings = surroundings or Surroundings()
    clients = connection.target.client
    executions = Executions(clients("stepfunctions"), clients("s3"), surroundings.sleep)
    prepared = prepare(workflow, source, connection, choices, configuration)
    check(executions, prepared)
    started_epoch_ms, started_s = surroundings.epoch_ms(), surroundings.clock_s()
    records: list[Record] = [_invalid(line) for line in prepared.bad]

    with _open(prepared.results) as file:
        for record in records:
            file.append(record)

        def end(record: Record) -> None:
            file.append(record)
            records.append(record)

        tables = {vendor: lane.calls_table for vendor, lane in connection.stage.lanes.items()}
        ledger = LedgerWatch(connection.target.client("dynamodb"), tables)
        watch = RunWatch(executions, ledger, prepared.machines, choices.again, surroundings, end)
        try:
            watch.run(
                prepared.worklist.attempts,
                lambda: progress(_tally(watch, prepared, surroundings, surroundings.clock_s() - started_s)),
            )
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
    records.sort(key=lambda record: record.line)
    counts = watch.counts
    summaries = _summaries(
        prepared,
        records,
        (started_epoch_ms, surroundings.epoch_ms()),
        connection.name,
        source,
        None if interrupted else vendor_report(),
    )
    wanted = choices.write_report and not interrupted
    return RunResult(
        workflow=workflow,
        target=connection.name,
        source=source,
        results=prepared.results,
        records=tuple(records),
        skipped_count=len(prepared.worklist.skipped),
        open_count=counts.queued_count + counts.called_count + counts.answered_count,
        unstarted_count=counts.starting_count,
        interrupted=interrupted,
        vendors=_report(summaries, choices.report or beside(source, "report.html")) if wanted else _plain(summaries),
    )


def _open(path: Path) -> ResultsFile:
    try:
        return ResultsFile(path)
    except OSError as error:
        raise RunRefused(f"{path}: {error.strerror}; results are written there, so make it writable") from error


def _invalid(line: BadLine) -> Record:
    return Record(
        line=line.number,
        key=line.key,
        attempt=None,
        execution=None,
        vendor=None,
        outcome=LineOutcome.INVALID,
        output=None,
        error="Input.Invalid",
        cause=line.reason,
        times={},
    )


def _tally(watch: RunWatch, prepared: PreparedRun, surroundings: Surroundings, elapsed_s: float) -> RunTally:
    now_ms = surroundings.epoch_ms()
    paces = tuple(
        LivePace(vendor, recent_rate_per_s(watch.sent_epoch_ms[vendor].values(), now_ms), limit.rate_per_s)
        for vendor, limit in prepared.contracts.items()
    )
    return RunTally(watch.counts, len(prepared.worklist.skipped), len(prepared.bad), elapsed_s, paces)


def _summaries(
    prepared: PreparedRun,
    records: Sequence[Record],
    span_epoch_ms: tuple[int, int],
    target: str,
    source: Path,
    vendor_report: Mapping[str, Any] | None,
) -> list[RunSummary]:
    """Summarise the run for each vendor; lines that name none count where there is only one."""
    alone = len(prepared.contracts) == 1
    return [
        RunSummary(
            workflow=prepared.route.workflow,
            vendor=vendor,
            target=target,
            input_name=source.name,
            started_epoch_ms=span_epoch_ms[0],
            finished_epoch_ms=span_epoch_ms[1],
            contract=ContractLine(limit.amount, limit.per_s, limit.scope.value),
            calls=tuple(
                call_times(record) for record in records if record.vendor == vendor or (alone and record.vendor is None)
            ),
            skipped=sum(line.vendor == vendor for line in prepared.worklist.skipped),
            headway_version=version("headway"),
            vendor_report=vendor_report,
        )
        for vendor, limit in prepared.contracts.items()
    ]


def _plain(summaries: Sequence[RunSummary]) -> dict[str, VendorRun]:
    return {summary.vendor: VendorRun(summary, None) for summary in summaries}


def _report(summaries: Sequence[RunSummary], path: Path) -> dict[str, VendorRun]:
    """Write a report for each vendor that was called; a run that called none leaves the last report as it is."""
    from headway.report import page  # matplotlib takes its time, and the calls need not wait for it

    runs = _plain(summaries)
    for vendor, run in runs.items():
        if any(call.queued_epoch_ms is not None for call in run.summary.calls):
            own = path if len(runs) == 1 else path.with_name(f"{path.stem}.{vendor}{path.suffix}")
            runs[vendor] = VendorRun(run.summary, page.write(run.summary, own))
    return runs
