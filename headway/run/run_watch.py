"""A run in motion: lines that are to be called in, one record per ended execution out.

Three sources are asked, each as often as it is worth: the ledger says how a call moves (a hundred calls per question),
Step Functions says how an execution ended (one per question, at the pace of its quota), SQS says how many calls wait in
a queue, whoever asked for them. An execution is described when its call has reached a final state, or when the ledger
has said nothing new of it for a while. Lines are started as their queues have room (`room`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from headway.deployment.run_names import execution_name
from headway.errors import CloudLost
from headway.run.api_pace import ApiPace, ApiQuota
from headway.run.executions import (
    Execution,
    Executions,
    Started,
    concerns_all,
    execution_arn,
    line_call_id,
    passes,
    throttles,
)
from headway.run.ledger_watch import LedgerWatch
from headway.run.lines import BadLine
from headway.run.open_call import CallPlace, OpenCall, never_started, unusable
from headway.run.open_calls import OpenCalls, in_ledger
from headway.run.results import LineOutcome, Record
from headway.run.room import QueueName, Room
from headway.run.surroundings import Surroundings
from headway.run.tally import Counts, LaneWait
from headway.run.work import Work
from headway.run.worklist import LineAttempt, Todo

TICK_S: Final = 0.5
FEED_S: Final = 0.1
"""Between two rounds while there are lines to start and room for them."""
STARTERS: Final = 16
MOST_STARTING: Final = 2 * STARTERS
"""Lines in memory at once, which may be large."""
DESCRIBERS: Final = 8
LOOK_S: Final = 5.0
"""Between two looks at the depth of a queue, which SQS itself counts late."""
READS: Final = ApiQuota(bucket_count=1_600, refill_per_s=1_000)
"""Records of the ledger that are read: what is spent, not a quota of DynamoDB."""
PATIENCE_S: Final = 30.0
"""How long the cloud may not answer before the run gives up."""
THROTTLED_PAUSE_S: Final = 10.0
"""No line is started for so long after one was throttled in all its attempts."""


@dataclass(slots=True)
class RunWatch:
    """Starts what is to be done and watches it to its end.

    `machines` is vendor -> state machine ARN, `call_vendors` the same of `call_vendor`; `depth` counts the messages of
    a queue, `running` names executions that an earlier run has started.
    """

    executions: Executions
    ledger: LedgerWatch
    depth: Callable[[QueueName], int]
    machines: Mapping[str, str]
    call_vendors: Mapping[str, str]
    work: Work
    rooms: Mapping[QueueName, Room]
    running: set[str]
    again: bool
    surroundings: Surroundings
    ended: Callable[[Record], None]
    open: OpenCalls = field(init=False)
    _reads: ApiPace = field(init=False)
    _starting: dict[str, Todo] = field(default_factory=dict)
    _starts: "SimpleQueue[tuple[Todo, Started | Exception]]" = field(default_factory=SimpleQueue)
    _looks_due_s: dict[QueueName, float] = field(default_factory=dict)
    _feeds_from_s: float = 0.0
    _failing_since_s: float | None = None
    _outcomes: Counter[LineOutcome] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with nothing open."""
        self.open = OpenCalls(self.rooms)
        self._reads = ApiPace(READS, self.surroundings.clock_s, self.surroundings.sleep)

    def run(self, tick: Callable[[], None]) -> None:
        """Start all lines as there is room for them, and return when all have ended.

        `tick` is called twice a second at least. CloudLost or KeyboardInterrupt end the watching, not the executions.
        """
        starters, describers = self.surroundings.pool(STARTERS), self.surroundings.pool(DESCRIBERS)
        try:
            self._watch(starters, describers, tick)
        finally:
            describers.shutdown(cancel_futures=True)
            starters.shutdown(cancel_futures=True)
            self._forget_starts()

    @property
    def counts(self) -> Counts:
        """Where the lines are now."""
        places = self.open.places
        return Counts(
            unstarted_count=self.work.left_count + len(self._starting),
            queued_count=places[CallPlace.QUEUED],
            called_count=places[CallPlace.CALLED],
            answered_count=places[CallPlace.ANSWERED],
            succeeded_count=self._outcomes[LineOutcome.SUCCEEDED],
            failed_count=self._outcomes[LineOutcome.FAILED],
            changed_count=self._outcomes[LineOutcome.INVALID],
        )

    @property
    def waits(self) -> list[LaneWait]:
        """What waits in each queue that lines go to."""
        return [
            LaneWait(queue.vendor, queue.urgent, lane.waiting_count, lane.others_count, lane.rule.limit_count)
            for queue, lane in self.rooms.items()
        ]

    def _watch(self, starters: Executor, describers: Executor, tick: Callable[[], None]) -> None:
        silent_since_s: float | None = None
        while self._goes_on():
            try:
                self._look()
                self._feed(starters)
                self._take_over()
                if self._read() + self._describe(describers):
                    silent_since_s = None
            except (BotoCoreError, ClientError) as error:
                now_s = self.surroundings.clock_s()
                silent_since_s = now_s if silent_since_s is None else silent_since_s
                lasting = isinstance(error, ClientError) and not passes(error)
                if lasting or now_s - silent_since_s > PATIENCE_S:
                    raise CloudLost(_lost("watched", error)) from error
            tick()
            if self._goes_on():
                self.surroundings.sleep(FEED_S if self._starting or self._has_room() else TICK_S)

    def _goes_on(self) -> bool:
        return bool(self.work.left_count or self._starting or len(self.open))

    def _look(self) -> None:
        """Ask how deep the queues are that lines go to."""
        now_s = self.surroundings.clock_s()
        for queue in self.work.queues:
            if self.work.has_left(queue) and self._looks_due_s.get(queue, now_s) <= now_s:
                self.open.look(queue, self.depth(queue), now_s)
                self._looks_due_s[queue] = now_s + LOOK_S

    def _has_room(self) -> bool:
        now_s = self.surroundings.clock_s()
        if now_s < self._feeds_from_s:
            return False
        return any(self.work.has_left(queue) and lane.room_count(now_s) for queue, lane in self.rooms.items())

    def _feed(self, starters: Executor) -> None:
        """Start a line of each queue in turn, as many as may be in a round; what goes on already needs no room."""
        now_s = self.surroundings.clock_s()
        queues = self.work.queues
        for room in self.rooms.values():
            room.begin_round(now_s)
        while queues:
            queues = [queue for queue in queues if self._feed_one(queue, starters, now_s)]

    def _feed_one(self, queue: QueueName, starters: Executor, now_s: float) -> bool:
        todo, lane = self.work.peek(queue), self.rooms[queue]
        if todo is None:
            return False
        if (name := execution_name(todo.key, todo.attempt)) in self.running:
            self.running.remove(name)
            self.work.take(queue)
            lane.waiting_count += 1
            arn = execution_arn(self.machines[todo.vendor], name)
            self._adopt(todo, Started(arn, todo.attempt), now_s, adopted=True)
            return True
        if now_s < self._feeds_from_s or len(self._starting) >= MOST_STARTING or not lane.may_start(now_s):
            return False
        self.work.take(queue)
        attempt = self.work.read(todo)
        if isinstance(attempt, BadLine):
            self._end(unusable(attempt))
        else:
            lane.start()
            self._starting[todo.key] = todo
            starters.submit(self._begin, todo, attempt)
        return True

    def _begin(self, todo: Todo, attempt: LineAttempt) -> None:
        """Run in a starter: hand over what became of an attempt."""
        try:
            result: Started | Exception = self.executions.begin(self.machines[todo.vendor], attempt, again=self.again)
        except Exception as error:  # raised again by `_take_over`, in the thread that can end the run
            result = error
        self._starts.put((todo, result))

    def _take_over(self) -> None:
        now_s = self.surroundings.clock_s()
        found: list[tuple[OpenCall, Execution | None]] = []
        for todo, result in self._drain():
            del self._starting[todo.key]
            if isinstance(result, Started):
                self._failing_since_s = None
                call = self._adopt(todo, result, now_s, adopted=result.found is not None)
                if result.found is not None and result.found.ended:
                    found.append((call, result.found))
            else:
                self.rooms[QueueName(todo.vendor, todo.urgent)].waiting_count -= 1
                self._take_back(todo, result, now_s)
        self._settle(found)

    def _take_back(self, todo: Todo, error: Exception, now_s: float) -> None:
        """Start a line later where that may succeed: its name cannot start twice. A throttle never ends a run."""
        if isinstance(error, ClientError) and not passes(error):
            if concerns_all(error):
                raise CloudLost(_lost("started", error)) from error
            self._end(never_started(todo, error))
            return
        if not isinstance(error, BotoCoreError | ClientError):
            raise error
        self.work.give_back(todo)
        if isinstance(error, ClientError) and throttles(error):
            self._feeds_from_s = now_s + THROTTLED_PAUSE_S
            return
        self._feeds_from_s = now_s + TICK_S
        self._failing_since_s = now_s if self._failing_since_s is None else self._failing_since_s
        if now_s - self._failing_since_s > PATIENCE_S:
            raise CloudLost(_lost("started", error)) from error

    def _adopt(self, todo: Todo, started: Started, now_s: float, *, adopted: bool) -> OpenCall:
        machine_arn, call_vendor_arn = self.machines[todo.vendor], self.call_vendors[todo.vendor]
        call_id = line_call_id(machine_arn, call_vendor_arn, todo.key, todo.tenant)
        call = OpenCall(todo, started, call_id, began_s=now_s, adopted=adopted)
        self.open.add(call, now_s)
        return call

    def _drain(self) -> Iterable[tuple[Todo, Started | Exception]]:
        while True:
            try:
                yield self._starts.get_nowait()
            except Empty:
                return

    def _forget_starts(self) -> None:
        """Count as started what was started while the run ended."""
        for todo, result in self._drain():
            if isinstance(result, Started) and self._starting.pop(todo.key, None) is not None:
                self._adopt(todo, result, 0.0, adopted=True)

    def _read(self) -> int:
        """Read what the ledger says of calls; returns of how many."""
        now_s = self.surroundings.clock_s()
        calls = self.open.to_read(now_s, self._reads.left_count())
        self._reads.took(len(calls))
        try:
            seen = self.ledger.read(in_ledger(calls))
        except (BotoCoreError, ClientError):
            self.open.read_again(calls, now_s)
            raise
        for call in calls:
            if call.call_id in seen:
                self.open.see(call, seen[call.call_id], now_s)
        return len(calls)

    def _describe(self, describers: Executor) -> int:
        """Ask how executions stand, and record those that have ended; returns of how many."""
        now_s = self.surroundings.clock_s()
        describes, silent = self.executions.describes, self.executions.silent_describes
        asked = self.open.to_describe(now_s, describes.left_count(), silent.left_count())
        describes.took(len(asked))
        silent.took(sum(not call.ending for call in asked))
        found = describers.map(self.executions.describe, [call.started.arn for call in asked])
        ended: list[tuple[OpenCall, Execution | None]] = []
        for call, execution in zip(asked, found, strict=True):
            if execution is None or execution.ended:
                ended.append((call, execution))
        self._settle(ended)
        return len(asked)

    def _settle(self, ended: Sequence[tuple[OpenCall, Execution | None]]) -> None:
        """Record executions that have ended, with the ledger's last word on their calls."""
        now_s = self.surroundings.clock_s()
        seen = self.ledger.read(in_ledger(call for call, _ in ended), consistent=True)
        for call, execution in ended:
            if call.call_id in seen:
                self.open.see(call, seen[call.call_id], now_s)
            self.open.end(call, now_s, taken=not call.adopted and execution is not None and execution.succeeded)
            self._end(call.record(execution))

    def _end(self, record: Record) -> None:
        self._outcomes[record.outcome] += 1
        self.ended(record)


def _lost(what: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return f"executions cannot be {what} any more, run the same command again to take them up: {reason}"
