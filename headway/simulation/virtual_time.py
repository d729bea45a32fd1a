"""Running the pacing core on a virtual clock: many processes, each with a clock of its own, on one budget in memory.

A process is a generator of the core's steps (`headway_lane.limiter.core.steps`); the functions run the same ones with a
table and real sleeps. A change of the reservations takes time: it lands some time after its read, and only if no other
has landed in between. The decision is made when it lands, on what was read and with the clock of the read: the loser of
a race would have thrown its own away.

Who waits for a slot waits for the same moment as everybody with the same share, each on its own clock. When others
reserve meanwhile, all of them would wake, look, and sleep again: only the waking of the fastest clock is an event.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.share import Share
from headway_lane.limiter.core.steps import (
    LOST,
    UNREAD,
    AwaitSlot,
    Change,
    Enter,
    Entry,
    Look,
    LookForRoom,
    Mark,
    Ready,
    Sight,
    Sleep,
    Steps,
)


class Clock:
    """One process's clock: true time and a fixed offset."""

    __slots__ = ("_time", "offset_us")

    def __init__(self, time: "VirtualTime", offset_us: int = 0) -> None:
        self._time = time
        self.offset_us = offset_us

    def epoch_us(self) -> int:
        """Return what it shows now."""
        return self._time.now_us + self.offset_us


class Process:
    """Steps that are run by a clock; whoever oversleeps wakes so much later than it wanted to."""

    __slots__ = ("clock", "oversleep_us", "steps")

    def __init__(self, steps: Steps[None], clock: Clock, oversleep_us: int = 0) -> None:
        self.steps = steps
        self.clock = clock
        self.oversleep_us = oversleep_us


class _Waiting:
    """Processes that wait for the same moment, `wake_us` on their own clocks: the fastest clock is woken first."""

    __slots__ = ("alarm_us", "awaited", "entry", "fastest", "wake_us")

    def __init__(self, awaited: AwaitSlot) -> None:
        self.awaited = awaited
        self.entry: Entry | Mark | None = UNREAD  # what `wake_us` was worked out from
        self.wake_us = 0
        self.alarm_us = 0
        self.fastest: list[tuple[int, int, Process]] = []


class VirtualTime:
    """A world with one budget. `changes` says what reservations mean, `write_us` how long a change takes on average:
    uniform within half of that to either side.
    """

    def __init__(self, changes: Callable[[Clock], Changes], random: Random, start_us: int, write_us: int = 0) -> None:
        self.now_us = start_us
        self.over = False
        self.entry: Entry | None = None
        self.read_count = self.write_count = self.lost_race_count = 0
        self._changes = changes(Clock(self))
        self._uniform = random.random
        self._write_us = write_us
        self._events: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._sequence = count()
        self._waiting: dict[tuple[int, Share], _Waiting] = {}

    def spawn(self, process: Process, at_us: int | None = None) -> None:
        """Begin a process, now or at a moment of true time."""
        self._at(self.now_us if at_us is None else at_us, self._begin, process)

    def run(self) -> None:
        """Let time pass until nothing more happens, or somebody says that it is `over`."""
        events = self._events
        while events and not self.over:
            self.now_us, _, action, argument = heappop(events)
            action(argument)

    def _at(self, at_us: int, action: Callable[[Any], None], argument: Any) -> None:
        heappush(self._events, (at_us, next(self._sequence), action, argument))

    def _begin(self, process: Process) -> None:
        self._resume(process, None)

    def _resume(self, process: Process, answer: Any) -> None:
        """Send answers until the process waits for something, or ends."""
        send = process.steps.send
        while True:
            try:
                step = send(answer)
            except StopIteration:
                return
            if isinstance(step, Sleep):
                wake_us = step.until_us - process.clock.offset_us
                if wake_us > self.now_us:
                    self._at(wake_us + process.oversleep_us, self._begin, process)
                    return
                answer = None
            elif isinstance(step, Ready):
                answer = None  # the laboratory's callers have nothing to do
            elif isinstance(step, (LookForRoom, Enter)):
                answer = True  # nobody limits jobs in flight
            elif isinstance(step, Look):
                self.read_count += 1
                answer = self.entry
            elif isinstance(step, Change):
                self._change(process, step)
                return
            else:
                self.read_count += 1
                answer = self._sight(process, step)
                if answer is None:
                    return

    # Changes.

    def _change(self, process: Process, change: Change) -> None:
        """Begin a change: it is decided when it lands, as of now."""
        self.read_count += change.seen is UNREAD
        landing_us = self.now_us + int((0.5 + self._uniform()) * self._write_us)
        self._at(landing_us, self._land, (process, change, self.entry, self.now_us + process.clock.offset_us))

    def _land(self, under_way: tuple[Process, Change, Entry | None, int]) -> None:
        process, change, seen, read_us = under_way
        if self.entry is not seen:
            self.lost_race_count += 1
            self._resume(process, LOST)
            return
        after, result = change.decide(seen, read_us)
        if after is not None:
            self.entry = after
            self.write_count += 1
            self._move()
        self._resume(process, result)

    # Waiting for a slot.

    def _sight(self, process: Process, awaited: AwaitSlot) -> Sight | None:
        """Return what a process is told at once; None where it has to wait."""
        key = awaited.horizon_us, awaited.share
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = _Waiting(awaited)
        if waiting.entry is not self.entry:
            waiting.entry, waiting.wake_us = self.entry, self._changes.reservable_us(self.entry, *key)
        wake_us = waiting.wake_us
        ahead_us = wake_us - self.now_us - process.clock.offset_us
        if ahead_us <= 0 or ahead_us > awaited.longest_us or wake_us > awaited.latest_us:
            return Sight(self.entry, wake_us, waited=False)
        lag_us = process.oversleep_us - process.clock.offset_us
        heappush(waiting.fastest, (lag_us, next(self._sequence), process))
        if waiting.fastest[0][2] is process:
            self._set_alarm(waiting)
        return None

    def _move(self) -> None:
        """Let those who wait see that the first free slot has moved: they wait for longer, or are told that it is too
        far away.
        """
        for (horizon_us, share), waiting in self._waiting.items():
            if not waiting.fastest:
                continue
            waiting.entry, before_us = self.entry, waiting.wake_us
            waiting.wake_us = wake_us = self._changes.reservable_us(self.entry, horizon_us, share)
            if wake_us == before_us:
                continue
            self.read_count += len(waiting.fastest)
            if wake_us - self.now_us > waiting.awaited.longest_us or wake_us > waiting.awaited.latest_us:
                told, waiting.fastest = waiting.fastest, []
                for *_, process in told:
                    self._at(self.now_us, self._tell, (process, Sight(self.entry, wake_us, waited=True)))
            self._set_alarm(waiting)

    def _set_alarm(self, waiting: _Waiting) -> None:
        if waiting.fastest:
            waiting.alarm_us = max(self.now_us, waiting.wake_us + waiting.fastest[0][0])
            self._at(waiting.alarm_us, self._wake, (waiting, waiting.alarm_us))

    def _wake(self, alarm: tuple[_Waiting, int]) -> None:
        waiting, alarm_us = alarm
        if alarm_us != waiting.alarm_us:
            return  # the slot has moved, or a faster clock has come
        waiting.alarm_us = 0
        fastest, sight = waiting.fastest, Sight(self.entry, waiting.wake_us, waited=True)
        while fastest and waiting.wake_us + fastest[0][0] <= alarm_us:
            self.read_count += 1
            self._resume(heappop(fastest)[2], sight)
        self._set_alarm(waiting)

    def _tell(self, told: tuple[Process, Sight]) -> None:
        self._resume(*told)
