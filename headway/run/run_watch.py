"""A run in motion: attempts in, one record per ended execution out.

Two sources are asked, each as often as it is worth: the ledger says how a call moves (hundreds of calls per question),
Step Functions says how an execution ended (one per question, and about 15 questions a second on AWS). So an execution
is described when its call has reached a final state, or when the ledger has said nothing new of it for a while.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from headway_lane.ledger.record import CallState, since_attribute

from headway.errors import CloudLost
from headway.run.executions import Execution, Executions, Started, passes
from headway.run.ledger_watch import CallSight, LedgerWatch
from headway.run.open_call import QUEUED_READ_S, SILENT_WAIT_S, OpenCall, never_started
from headway.run.results import LineOutcome, Record
from headway.run.surroundings import Surroundings
from headway.run.tally import Counts
from headway.run.worklist import LineAttempt

TICK_S: Final = 0.5
STARTERS: Final = 16
DESCRIBERS: Final = 8
READS_PER_TICK: Final = 400
"""Of the calls whose state may still change, the most due ones."""
ENDING_DESCRIBES_PER_TICK: Final = 20
SILENT_DESCRIBES_PER_TICK: Final = 4
PATIENCE_S: Final = 30.0
"""How long the cloud may not answer before the run gives up watching."""

_SENT: Final = since_attribute(CallState.DISPATCHING)


@dataclass(slots=True)
class RunWatch:
    """Starts attempts and watches them to their end. `machines` is vendor -> state machine ARN."""

    executions: Executions
    ledger: LedgerWatch
    machines: Mapping[str, str]
    again: bool
    surroundings: Surroundings
    ended: Callable[[Record], None]
    sent_epoch_ms: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Vendor -> key -> when the call was sent."""
    _calls: dict[str, OpenCall] = field(default_factory=dict)
    _starting: dict[str, LineAttempt] = field(default_factory=dict)
    _starts: "SimpleQueue[tuple[LineAttempt, Started | Exception]]" = field(default_factory=SimpleQueue)
    _outcomes: Counter[LineOutcome] = field(default_factory=Counter)

    def run(self, attempts: Iterable[LineAttempt], tick: Callable[[], None]) -> None:
        """Start all attempts as fast as Step Functions takes them and return when all have ended.

        `tick` is called twice a second. CloudLost or KeyboardInterrupt end the watching, not the executions.
        """
        self._starting = {attempt.line.key: attempt for attempt in attempts}
        starters, describers = self.surroundings.pool(STARTERS), self.surroundings.pool(DESCRIBERS)
        try:
            for attempt in self._starting.values():
                starters.submit(self._begin, attempt)
            self._watch(describers, tick)
        finally:
            describers.shutdown(cancel_futures=True)
            starters.shutdown(cancel_futures=True)
            self._forget_starts()

    @property
    def counts(self) -> Counts:
        """Where the lines are now."""
        places = Counter(call.place for call in self._calls.values())
        return Counts(
            starting_count=len(self._starting),
            queued_count=places["queued"],
            called_count=places["called"],
            answered_count=places["answered"],
            succeeded_count=self._outcomes[LineOutcome.SUCCEEDED],
            failed_count=self._outcomes[LineOutcome.FAILED],
        )

    def _watch(self, describers: Executor, tick: Callable[[], None]) -> None:
        heard_s = self.surroundings.clock_s()
        while self._starting or self._calls:
            try:
                self._take_over()
                self._read()
                self._describe(describers)
                heard_s = self.surroundings.clock_s()
            except (BotoCoreError, ClientError) as error:
                lasting = isinstance(error, ClientError) and not passes(error)
                if lasting or self.surroundings.clock_s() - heard_s > PATIENCE_S:
                    raise CloudLost(_lost("watched", error)) from error
            tick()
            if self._starting or self._calls:
                self.surroundings.sleep(TICK_S)

    def _begin(self, attempt: LineAttempt) -> None:
        """Run in a starter: hand over what became of an attempt."""
        try:
            result: Started | Exception = self.executions.begin(
                self.machines[attempt.line.vendor], attempt, again=self.again
            )
        except Exception as error:  # raised again by `_take_over`, in the thread that can end the run
            result = error
        self._starts.put((attempt, result))

    def _take_over(self) -> None:
        now_s = self.surroundings.clock_s()
        found: list[tuple[OpenCall, Execution | None]] = []
        for attempt, result in self._drain():
            if isinstance(result, Started):
                call = self._adopt(attempt, result, now_s)
                if result.found is not None and result.found.ended:
                    found.append((call, result.found))
            elif isinstance(result, ClientError):
                del self._starting[attempt.line.key]
                self._end(never_started(attempt, result))
            elif isinstance(result, BotoCoreError):
                raise CloudLost(_lost("started", result)) from result
            else:
                raise result
        self._settle(found)

    def _adopt(self, attempt: LineAttempt, started: Started, now_s: float) -> OpenCall:
        del self._starting[attempt.line.key]
        call_id = started.found.call_id if started.found else started.arn.rsplit(":", 1)[1]
        call = OpenCall(attempt, started, call_id, read_due_s=now_s, describe_due_s=now_s + SILENT_WAIT_S[0])
        self._calls[attempt.line.key] = call
        return call

    def _drain(self) -> Iterable[tuple[LineAttempt, Started | Exception]]:
        while True:
            try:
                yield self._starts.get_nowait()
            except Empty:
                return

    def _forget_starts(self) -> None:
        """Count as started what was started while the run ended."""
        for attempt, result in self._drain():
            if isinstance(result, Started):
                self._adopt(attempt, result, 0.0)

    def _read(self) -> None:
        now_s = self.surroundings.clock_s()
        due = sorted((c for c in self._calls.values() if not c.ending), key=lambda c: c.read_due_s)
        due = due[:READS_PER_TICK]
        seen = self.ledger.read([call.in_ledger for call in due])
        for call in due:
            if call.call_id in seen:
                self._see(call, seen[call.call_id], now_s)
            else:
                call.read_due_s = now_s + QUEUED_READ_S

    def _see(self, call: OpenCall, sight: CallSight, now_s: float) -> None:
        call.see(sight, now_s)
        if _SENT in sight.times:
            self.sent_epoch_ms[call.attempt.line.vendor][call.attempt.line.key] = sight.times[_SENT]

    def _describe(self, describers: Executor) -> None:
        now_s = self.surroundings.clock_s()
        due = sorted((c for c in self._calls.values() if c.describe_due_s <= now_s), key=lambda c: c.describe_due_s)
        asked = [call for call in due if call.ending][:ENDING_DESCRIBES_PER_TICK]
        asked += [call for call in due if not call.ending][:SILENT_DESCRIBES_PER_TICK]
        for call in asked:
            call.postpone(now_s)
        found = describers.map(self.executions.describe, [call.started.arn for call in asked])
        ended: list[tuple[OpenCall, Execution | None]] = []
        for call, execution in zip(asked, found, strict=True):
            if execution is not None:
                call.call_id = execution.call_id
            if execution is None or execution.ended:
                ended.append((call, execution))
        self._settle(ended)

    def _settle(self, ended: Sequence[tuple[OpenCall, Execution | None]]) -> None:
        """Record executions that have ended, with the ledger's last word on their calls."""
        now_s = self.surroundings.clock_s()
        seen = self.ledger.read([call.in_ledger for call, _ in ended], consistent=True)
        for call, execution in ended:
            if call.call_id in seen:
                self._see(call, seen[call.call_id], now_s)
            del self._calls[call.attempt.line.key]
            self._end(call.record(execution))

    def _end(self, record: Record) -> None:
        self._outcomes[record.outcome] += 1
        self.ended(record)


def _lost(what: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return f"executions cannot be {what} any more, run the same command again to take them up: {reason}"
