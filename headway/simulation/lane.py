"""One vendor's lane on a virtual clock: dispatchers that reserve, callers that wait for their slot, the vendor's door.

Settings in, arrivals at the door in true time out. All pacing is the limiter's own (`headway_lane.limiter.core`), step
by step; here is only what surrounds it: a queue with its batches, clocks that differ, workers that start late or die,
jitter on the way, and answers.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from headway_lane.limiter.core.calling import CallTurns
from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.dispatching import BatchTurns
from headway_lane.limiter.core.measured import Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.core.steps import Sleep, Steps
from headway_lane.messages.request_queue import REQUEUE_S
from headway_lane.runtime.errors import RetryLater

from headway.simulation import draws
from headway.simulation.outcome import Tally
from headway.simulation.settings import Settings, learned_us
from headway.simulation.spread import Shape
from headway.simulation.virtual_time import Clock, Process, VirtualTime

START_US: Final = 1_000_000_000
"""True time at the start; not 0, so that a clock that is behind still shows a positive time."""
ARRIVE_US: Final = 1_000_000
"""The dispatchers begin within the first second, as an event source mapping scales up."""
RESTART_US: Final = 1_000_000
"""After a crash another dispatcher takes over this much later."""
REQUEUE_US: Final = REQUEUE_S * 1_000_000
"""What the dispatcher does not wait for comes again after this time."""


class SimulatedLane:
    """Simulates `calls_count` calls to one vendor; equal arguments give equal arrivals."""

    def __init__(self, settings: Settings, calls_count: int, seed: str) -> None:
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        least_us, limit_us = learned_us(settings.headroom_us)
        self.rule: Rule = rule_of(settings.limits, least_us, skew_us=settings.skew_us, headroom_limit_us=limit_us)
        self._tells_all = settings.headroom_us is None or not settings.answers_prove_arrival
        self.tally = Tally()
        self.arrivals_us: list[int] = []
        self._settings = settings
        self._calls_count = calls_count
        self._progress: Callable[[int], None] = lambda _: None
        self._every = calls_count
        self._queued_count = calls_count
        self._uniform = random.random
        self._draw_jitter_us = draws.jitter(random, settings.jitter_us, settings.jitter_shape)
        self._draw_start_us = draws.exponential(random, settings.start_us)
        slow = settings.answer_shape is Shape.EXPONENTIAL
        self._draw_answer_us = (
            draws.exponential(random, settings.answer_us) if slow else draws.fixed(settings.answer_us)
        )
        self._time = VirtualTime(self._changes, random, START_US, settings.write_us)
        half_us = settings.skew_us // 2
        clocks = [Clock(self._time, random.randint(-half_us, half_us)) for _ in range(settings.dispatchers_count)]
        self._workers = [(clock, self._changes(clock), Samples()) for clock in clocks]
        self._idle: list[int] = []
        for index in range(len(self._workers)):
            self._start(index, START_US + int(self._uniform() * ARRIVE_US))

    def run(self, progress: Callable[[int], None] = lambda _: None, every: int = 5_000) -> None:
        """Run until every call has arrived; `progress` is told how many have, `every` so often."""
        self._progress, self._every = progress, every
        time, tally = self._time, self.tally
        time.run()
        self.arrivals_us.sort()
        tally.write_count, tally.read_count, tally.lost_race_count = (
            time.write_count,
            time.read_count,
            time.lost_race_count,
        )
        if time.entry:
            tally.rebase_count = time.entry.reservations.generation
            self.rule = time.entry.rule

    def _changes(self, clock: Clock) -> Changes:
        proves = self._settings.answers_prove_arrival
        return Changes("simulated#submit", self.rule, clock.epoch_us, self._uniform, proves)

    # The dispatchers.

    def _start(self, index: int, at_us: int) -> None:
        clock, changes, _ = self._workers[index]
        self._time.spawn(Process(self._dispatcher(index, clock, changes), clock), at_us)

    def _dispatcher(self, index: int, clock: Clock, changes: Changes) -> Steps[None]:
        """Take one batch after the other, until the queue is empty."""
        while True:
            fresh_count, messages_count = self._receive()
            if not messages_count:
                self._idle.append(index)
                return
            batch = BatchTurns(changes, messages_count, clock.epoch_us)
            pause_us, dies_after = 0, -1
            while fresh_count:
                begins_chunk = not batch.spare
                try:
                    permit = yield from batch.take()
                except RetryLater:
                    pause_us = REQUEUE_US
                    break
                if begins_chunk:
                    dies_after = self._dies_after(min(1 + len(batch.spare), fresh_count))
                if dies_after == 0:
                    pause_us = RESTART_US
                    break
                dies_after -= 1
                fresh_count -= 1
                self._call(permit)
            if pause_us:
                self._return(fresh_count)
                yield Sleep(clock.epoch_us() + pause_us)
            else:
                yield from batch.close()

    def _dies_after(self, permits_count: int) -> int:
        """Return after how many of the permits that it has just reserved a dispatcher dies; -1 where it does not."""
        crash_ratio = self._settings.crash_ratio
        if not crash_ratio or self._uniform() >= crash_ratio:
            return -1
        self.tally.crash_count += 1
        return int(self._uniform() * permits_count)

    def _return(self, calls_count: int) -> None:
        """Give calls back to the queue, for whoever is idle."""
        self._queued_count += calls_count
        self.tally.returned_count += calls_count
        if calls_count and self._idle:
            self._start(self._idle.pop(), self._time.now_us)

    def _receive(self) -> tuple[int, int]:
        """Receive messages; those that the ledger knows are reserved for, and never called."""
        settings = self._settings
        if not self._queued_count:
            return 0, 0
        fresh_count = messages_count = min(settings.batch_size, self._queued_count)
        if settings.duplicate_ratio:
            known_count = sum(self._uniform() < settings.duplicate_ratio for _ in range(settings.batch_size))
            fresh_count = min(settings.batch_size - known_count, self._queued_count)
            messages_count = fresh_count + known_count
            self.tally.duplicate_count += known_count
        self._queued_count -= fresh_count
        return fresh_count, messages_count

    # The callers.

    def _call(self, permit: Permit | None) -> None:
        """Start a caller, on any of the clocks."""
        clock, changes, samples = self._workers[int(self._uniform() * len(self._workers))]
        steps = self._caller(permit, clock, changes, samples)
        self._time.spawn(Process(steps, clock), self._time.now_us + self._draw_start_us())

    def _caller(self, permit: Permit | None, clock: Clock, changes: Changes, samples: Samples) -> Steps[None]:
        """Leave in one's turn, arrive, and tell of an answer that comes late."""
        turns = CallTurns(changes, permit, clock.epoch_us, samples)
        try:
            yield from turns.take()
        except RetryLater:
            self._return(1)
            return
        finally:
            self.tally.missed_count += turns.missed_count - turns.void_count
            self.tally.void_count += turns.void_count
        arrived_us = self._arrive(turns.left_us - clock.offset_us)
        answered_us = arrived_us + self._draw_answer_us() + clock.offset_us
        if self._tells_all or self.rule.is_late(answered_us - turns.left_us):  # others have nothing to tell
            yield Sleep(answered_us)
            turns.answered()
            yield from turns.report()
            self.tally.late_count += turns.late_count

    def _arrive(self, slot_us: int) -> int:
        """Leave at the slot, or at once behind it; arrive within the jitter, or astray. Returns when, in true time."""
        settings = self._settings
        delay_us = self._draw_jitter_us() << (len(self.arrivals_us) >= settings.doubled_after_count)
        late_us = self._time.now_us - slot_us
        if late_us > 0:  # a late start uses up its part of the jitter
            delay_us = late_us + delay_us * max(0, settings.jitter_us - late_us) // max(1, settings.jitter_us)
        if settings.stray_ratio and self._uniform() < settings.stray_ratio:
            delay_us = max(delay_us, settings.jitter_us + int(self._uniform() * settings.stray_us))
        self.arrivals_us.append(slot_us + delay_us)
        arrived_count = len(self.arrivals_us)
        if arrived_count % self._every == 0 or arrived_count == self._calls_count:
            self._progress(arrived_count)
            self._time.over = arrived_count == self._calls_count
        return slot_us + delay_us
