"""A whole run: a file of payloads in; its results file, its reports and a RunResult out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, Final

from headway.deployment.connection import Connection
from headway.deployment.queues import QueueAttribute, message_count
from headway.errors import RunRefused
from headway.report.figures import failures
from headway.report.model import ContractLine, RunSummary
from headway.run.api_pace import RunQuotas
from headway.run.call_log import CallLog
from headway.run.draining import refuse_drained
from headway.run.executions import Executions
from headway.run.ledger_watch import LedgerWatch
from headway.run.line_index import LineIndex
from headway.run.open_call import unusable
from headway.run.preparation import EVERYTHING, Choices, PreparedRun, check, prepare
from headway.run.results import LineOutcome, Record, ResultsFile, beside
from headway.run.room import QueueName, Room, RoomRule
from headway.run.run_result import RunResult, VendorRun
from headway.run.run_watch import RunWatch
from headway.run.source import LineSource
from headway.run.surroundings import Surroundings
from headway.run.tally import LivePace, RunTally, recent_rate_per_s
from headway.run.warming import BESIDE_COUNT, callers_count, warm

MOST_REASONS: Final = 10
"""Bad lines that are said at the end; the others are in the results file."""


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
    """Call the workflow once per line of `source` (`-`: standard input) and wait for all to end.

    Ctrl-C returns what has ended so far with `interrupted` set; executions go on. `vendor_report` is asked at the end
    for the vendor's own count. Raises RunRefused before anything is started, CloudLost after.
    """
    surroundings = surroundings or Surroundings()
    clients = connection.target.client
    quotas = RunQuotas.of(connection.target.region, choices.starts_per_s, choices.describes_per_s)
    executions = Executions(clients("stepfunctions"), clients("s3"), quotas, surroundings)
    with closing(LineSource.open(source)) as opened, closing(LineIndex()) as index:
        prepared = prepare(workflow, opened, index, connection, choices, configuration)
        check(executions, prepared)
        refuse_drained(connection, {queue.vendor for queue in prepared.work.queues})
        span_epoch_ms = surroundings.epoch_ms()
        resumed = prepared.results.exists()
        with closing(_open(prepared.results)) as file:
            ended = _Ended(file, prepared)
            for line in index.bad():
                ended.add(unusable(line))
            _warm(prepared, connection, surroundings)
            watch = _watch(executions, prepared, connection, choices, surroundings, ended.add, resumed=resumed)
            interrupted = _run(watch, prepared, surroundings, ended, progress)
    summaries = ended.summaries(
        (span_epoch_ms, surroundings.epoch_ms()),
        connection.name,
        opened.name.name,
        None if interrupted else vendor_report(),
    )
    report = choices.report or beside(opened.name, "report.html")
    return RunResult(
        workflow=workflow,
        target=connection.name,
        source=source,
        results=prepared.results,
        began=file.began,
        counts=ended.counts,
        failures=failures(chain.from_iterable(ended.calls.values())),
        bad_lines=tuple(ended.bad_lines),
        skipped_count=sum(prepared.skipped.values()),
        open_count=len(watch.open),
        unstarted_count=watch.counts.unstarted_count,
        interrupted=interrupted,
        vendors=_report(summaries, report) if choices.write_report and not interrupted else _plain(summaries),
    )


@dataclass(slots=True)
class _Ended:
    """What has ended: written at once, and kept as numbers alone."""

    file: ResultsFile
    prepared: PreparedRun
    counts: Counter[LineOutcome] = field(default_factory=Counter)
    calls: defaultdict[str | None, CallLog] = field(default_factory=lambda: defaultdict(CallLog))
    """By vendor; lines that name none count where there is only one."""
    bad_lines: list[str] = field(default_factory=list)

    def add(self, record: Record) -> None:
        self.file.append(record)
        self.counts[record.outcome] += 1
        if record.outcome is LineOutcome.INVALID and len(self.bad_lines) < MOST_REASONS:
            self.bad_lines.append(record.cause or "")
        vendors = list(self.prepared.vendors)
        self.calls[vendors[0] if record.vendor is None and len(vendors) == 1 else record.vendor].add(record)

    def summaries(
        self, span_epoch_ms: tuple[int, int], target: str, input_name: str, vendor_report: Mapping[str, Any] | None
    ) -> list[RunSummary]:
        return [
            RunSummary(
                workflow=self.prepared.route.workflow,
                vendor=vendor,
                target=target,
                input_name=input_name,
                started_epoch_ms=span_epoch_ms[0],
                finished_epoch_ms=span_epoch_ms[1],
                contract=ContractLine(limit.amount, limit.per_s, limit.scope.value),
                calls=self.calls[vendor],
                skipped=self.prepared.skipped.get(vendor, 0),
                headway_version=version("headway"),
                vendor_report=vendor_report,
            )
            for vendor, limit in self.prepared.contracts.items()
        ]


def _open(path: Path) -> ResultsFile:
    try:
        return ResultsFile(path)
    except OSError as error:
        raise RunRefused(f"{path}: {error.strerror}; results are written there, so make it writable") from error


def _warm(prepared: PreparedRun, connection: Connection, surroundings: Surroundings) -> None:
    lines = Counter[str]()
    for queue, count in prepared.index.queues.items():
        lines[queue.vendor] += count
    counts = Counter[str]()
    for vendor, count in lines.items():
        lane, callers = connection.stage.lanes[vendor], callers_count(prepared.vendors[vendor], count)
        beside = (lane.callback_function, lane.results_function)
        counts.update({lane.caller_function: callers} if lane.caller_function else {})
        counts.update({function: min(BESIDE_COUNT, callers) for function in beside if function})
    warm(connection.target.client("lambda"), counts, surroundings.pool)


def _watch(
    executions: Executions,
    prepared: PreparedRun,
    connection: Connection,
    choices: Choices,
    surroundings: Surroundings,
    ended: Callable[[Record], None],
    *,
    resumed: bool,
) -> RunWatch:
    """Build the watch; where there was a run before, look which of its executions go on."""
    lanes, queues = connection.stage.lanes, prepared.work.queues

    def depth(queue: QueueName) -> int:
        lane = lanes[queue.vendor]
        url = lane.urgent_queue_url if queue.urgent else lane.request_queue_url
        return message_count(connection, url, *QueueAttribute) if url else 0

    machines = {prepared.machines[queue.vendor] for queue in queues} if resumed else set()
    return RunWatch(
        executions=executions,
        ledger=LedgerWatch(
            connection.target.client("dynamodb"), {vendor: lane.calls_table for vendor, lane in lanes.items()}
        ),
        depth=depth,
        machines=prepared.machines,
        call_vendors={vendor: lane.call_vendor_machine_arn for vendor, lane in lanes.items()},
        work=prepared.work,
        rooms={queue: Room(RoomRule.of(prepared.vendors[queue.vendor], urgent=queue.urgent)) for queue in queues},
        running=set().union(*map(executions.running, sorted(machines))),
        again=choices.again,
        surroundings=surroundings,
        ended=ended,
    )


def _run(
    watch: RunWatch,
    prepared: PreparedRun,
    surroundings: Surroundings,
    ended: _Ended,
    progress: Callable[[RunTally], None],
) -> bool:
    """Run to the end; returns whether Ctrl-C came before it."""
    began_s, bad_count = surroundings.clock_s(), ended.counts[LineOutcome.INVALID]

    def tick() -> None:
        now_ms = surroundings.epoch_ms()
        progress(
            RunTally(
                counts=watch.counts,
                skipped_count=sum(prepared.skipped.values()),
                invalid_count=bad_count,
                elapsed_s=surroundings.clock_s() - began_s,
                paces=tuple(
                    LivePace(
                        vendor, recent_rate_per_s(watch.open.recently_sent(vendor, now_ms), now_ms), limit.rate_per_s
                    )
                    for vendor, limit in prepared.contracts.items()
                ),
                waits=tuple(watch.waits),
            )
        )

    try:
        watch.run(tick)
    except KeyboardInterrupt:
        return True
    return False


def _plain(summaries: list[RunSummary]) -> dict[str, VendorRun]:
    return {summary.vendor: VendorRun(summary, None) for summary in summaries}


def _report(summaries: list[RunSummary], path: Path) -> dict[str, VendorRun]:
    """Write a report for each vendor that was called; a run that called none leaves the last report as it is."""
    from headway.report import page  # matplotlib takes its time, and the calls need not wait for it

    runs = _plain(summaries)
    for vendor, run in runs.items():
        if any(call.queued_epoch_ms is not None for call in run.summary.calls):
            own = path if len(runs) == 1 else path.with_name(f"{path.stem}.{vendor}{path.suffix}")
            runs[vendor] = VendorRun(run.summary, page.write(run.summary, own))
    return runs
