"""One vendor's lane on a virtual clock: dispatchers that reservations, callers that wait for their slot, the vendor's
door.

Settings in, arrivals at the door in true time out. Every decision is the limiter's own (`headway_lane.limiter`): what
to reserve, whether a permit still holds, what a late answer moves. What the running system does by sleeping is an event
here, with the same constants (`pace`, `turn`).

A write of the reservations takes time: it lands `write_us` after its read, and only if no other has landed in between.
The decision is made when it lands, on the reservations and with the clock of the read: the loser of a race would have
thrown its own away.
"""

from collections.abc import Callable, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Final

from headway_lane.limiter.budget import ATTEMPTS, LONGEST_BACKOFF_US, Budget
from headway_lane.limiter.pace import CHUNK_US, HORIZON_US, LEAD_US
from headway_lane.limiter.reservations import Permit, Rule, rule_of, slot_now
from headway_lane.limiter.turn import FRESH_US, GRACE_SHARE, LOOK_US, MISSED_US, OWN_LEAD_US, PATIENCE_US

from headway.simulation import draws
from headway.simulation.dispatcher import REQUEUE_US, Dispatcher, Sleepers, Write
from headway.simulation.outcome import Tally
from headway.simulation.settings import Settings, Shape
from headway.simulation.store import MemoryReservationStore

START_US: Final = 1_000_000_000
"""True time at the start; not 0, so that a clock that is behind still shows a positive time."""
ARRIVE_US: Final = 1_000_000
"""The dispatchers begin within the first second, as an event source mapping scales up."""
RESTART_US: Final = 1_000_000
"""After a crash another dispatcher takes over this much later."""
BUDGET: Final = "simulated#submit"


class Lane:
    """Simulates `calls_count` calls to one vendor; equal arguments give equal arrivals."""

    def __init__(self, settings: Settings, calls_count: int, seed: str) -> None:
        random = Random(seed)  # noqa: S311 - repeatable, not secret
        self.rule: Rule = rule_of(settings.limits, settings.headroom_us, skew_us=settings.skew_us)
        self.tally = Tally()
        self.arrivals_us: list[int] = []
        self._settings = settings
        self._calls_count = calls_count
        self._queued_count = calls_count
        self._grace_us = settings.headroom_us // GRACE_SHARE
        self._chunk_count = max(1, CHUNK_US // self.rule.emission_interval_us)

        self._now_us = START_US
        self._clock_us = START_US  # what the clock of whoever changes the reservations just now showed at its read
        self._events: list[tuple[int, int, Callable[..., None], Any]] = []
        self._sequence = count()
        self._store = MemoryReservationStore()
        self._budget = Budget(self._store, BUDGET, self.rule, lambda: self._clock_us)
        self._reserve, self._version = self._budget.look(), 0
        self._first_free_us = 0
        self._sleepers = Sleepers()
        self._landing_us = 0  # of the first reservation under way; 0 where there is none
        self._losers: list[tuple[int, Write]] = []  # writes that will land behind it, and when
        self._read_count = self._lost_race_count = 0

        self._random = random.random
        self._draw_jitter_us = draws.jitter(random, settings.jitter_us, settings.jitter_shape)
        self._write_us = settings.write_us
        self._draw_start_us = draws.exponential(random, settings.start_us)
        slow = settings.answer_shape is Shape.EXPONENTIAL
        self._draw_answer_us = (
            draws.exponential(random, settings.answer_us) if slow else draws.fixed(settings.answer_us)
        )
        half_us = settings.skew_us // 2
        self._offsets_us = [random.randint(-half_us, half_us) for _ in range(settings.dispatchers_count)]
        self._idle: list[Dispatcher] = []
        for offset_us in self._offsets_us:
            self._at(START_US + int(self._random() * ARRIVE_US), self._take_batch, Dispatcher(self, offset_us))

    def run(self, progress: Callable[[int], None] = lambda _: None, every: int = 5_000) -> None:
        """Run until every call has arrived; `progress` is told how many have, `every` so often."""
        events, arrivals_us, calls_count = self._events, self.arrivals_us, self._calls_count
        shown_count = every
        while (arrived_count := len(arrivals_us)) < calls_count:
            if arrived_count >= shown_count:
                progress(arrived_count)
                shown_count += every
            self._now_us, _, action, argument = heappop(events)
            action(argument)
        arrivals_us.sort()
        self.tally.write_count = self._store.write_count
        self.tally.read_count, self.tally.lost_race_count = self._read_count, self._lost_race_count
        self.tally.rebase_count = self._reserve.generation
        progress(calls_count)

    def _at(self, at_us: int, action: Callable[[Any], None], argument: Any) -> None:
        heappush(self._events, (at_us, next(self._sequence), action, argument))

    # The dispatchers.

    def _take_batch(self, dispatcher: Dispatcher) -> None:
        """Receive messages; those that the ledger knows are reserved for, and never called."""
        settings = self._settings
        if not self._queued_count:
            self._idle.append(dispatcher)
            return
        fresh_count = messages_count = min(settings.batch_size, self._queued_count)
        if settings.duplicate_ratio:
            messages_count = settings.batch_size
            known_count = sum(self._random() < settings.duplicate_ratio for _ in range(messages_count))
            fresh_count = min(messages_count - known_count, self._queued_count)
            messages_count = fresh_count + known_count
            self.tally.duplicate_count += known_count
        self._queued_count -= fresh_count
        dispatcher.fresh_count, dispatcher.unreserved_count = fresh_count, messages_count
        self._go_on(dispatcher)

    def _go_on(self, dispatcher: Dispatcher) -> None:
        """Reserve for the next calls of the batch, or end it: what was reserved for duplicates goes back."""
        if dispatcher.fresh_count:
            self._try_to_reserve(dispatcher)
        elif dispatcher.spare:
            spare, dispatcher.spare = dispatcher.spare, ()
            again = partial(self._take_batch, dispatcher)
            change = partial(self._budget.cancel, spare)
            self._read(Write(dispatcher.offset_us, change, lambda _: again(), again))
        else:
            self._at(self._now_us, self._take_batch, dispatcher)

    def _try_to_reserve(self, dispatcher: Dispatcher) -> None:
        dispatcher.reservation.attempts_count = 0
        self._read(dispatcher.reservation)

    def reserve(self, dispatcher: Dispatcher) -> Sequence[Permit]:
        """Reserve what `PermitPace` would."""
        return self._budget.reserve(min(self._chunk_count, dispatcher.unreserved_count), LEAD_US, HORIZON_US)

    def dispatch(self, dispatcher: Dispatcher, permits: Sequence[Permit]) -> None:
        """Start the callers of what was reserved, each its lead before its slot, unless the dispatcher dies before."""
        used = permits[: dispatcher.fresh_count]
        crashes = self._settings.crash_ratio and self._random() < self._settings.crash_ratio
        sent = used[: int(self._random() * len(used))] if crashes else used
        at_us = self._now_us
        for permit in sent:
            at_us = max(self._now_us, permit.slot_us - LEAD_US - dispatcher.offset_us)
            self._start(permit, at_us)
        dispatcher.unreserved_count -= len(permits)
        dispatcher.fresh_count -= len(sent)
        if crashes:
            self.tally.crash_count += 1
            self.abandon(dispatcher, at_us - self._now_us + RESTART_US)
        else:
            dispatcher.spare = permits[len(used) :]
            self._at(at_us, self._go_on, dispatcher)

    def abandon(self, dispatcher: Dispatcher, pause_us: int) -> None:
        """Give the rest of a batch back to the queue, and come again."""
        self._return(dispatcher.fresh_count)
        dispatcher.fresh_count = dispatcher.unreserved_count = 0
        self._at(self._now_us + pause_us, self._take_batch, dispatcher)

    def _return(self, calls_count: int) -> None:
        self._queued_count += calls_count
        self.tally.returned_count += calls_count
        if calls_count and self._idle:
            self._at(self._now_us, self._take_batch, self._idle.pop())

    # Waiting for the horizon.

    def sleep(self, dispatcher: Dispatcher) -> None:
        """Wait until the first free slot comes within the horizon."""
        wake_us, sleepers = self._first_free_us - HORIZON_US, self._sleepers
        if wake_us - self._now_us - dispatcher.offset_us > PATIENCE_US:
            self.abandon(dispatcher, REQUEUE_US)
            return
        if not sleepers.fastest:
            sleepers.wake_us = wake_us
        elif sleepers.wake_us != wake_us:  # permits went back: the others have seen a later moment
            self._at(wake_us - dispatcher.offset_us, self._try_to_reserve, dispatcher)
            return
        heappush(sleepers.fastest, (-dispatcher.offset_us, next(self._sequence), dispatcher))
        if sleepers.fastest[0][2] is dispatcher:
            self._set_alarm()

    def _set_alarm(self) -> None:
        sleepers = self._sleepers
        if sleepers.fastest:
            alarm_us = sleepers.wake_us + sleepers.fastest[0][0]
            if alarm_us < self._now_us:
                alarm_us = self._now_us
            sleepers.alarm_us = alarm_us
            heappush(self._events, (alarm_us, next(self._sequence), self._wake, alarm_us))

    def _wake(self, alarm_us: int) -> None:
        sleepers = self._sleepers
        if alarm_us != sleepers.alarm_us:
            return  # the reservations has moved, or a faster clock has come
        sleepers.alarm_us = 0
        fastest = sleepers.fastest
        # Who wakes before the next write lands reads the same reservations: no event of their own.
        while fastest and (due_us := sleepers.wake_us + fastest[0][0]) <= max(alarm_us, self._landing_us):
            write = heappop(fastest)[2].reservation
            write.attempts_count = 0
            self._read_at(write, max(due_us, alarm_us))
        self._set_alarm()

    def _move(self, wake_us: int) -> None:
        """Let the sleepers see that the reservations has moved on: they wait for longer, or give up."""
        sleepers = self._sleepers
        self._read_count += 2 * len(sleepers.fastest)
        if wake_us - self._now_us > PATIENCE_US:
            given_up, sleepers.fastest = sleepers.fastest, []
            for *_, dispatcher in given_up:
                self.abandon(dispatcher, REQUEUE_US)
            return
        sleepers.wake_us = wake_us
        self._set_alarm()

    # Changes of the reservations.

    def _read(self, write: Write) -> None:
        self._read_at(write, self._now_us)

    def _read_at(self, write: Write, at_us: int) -> None:
        """Read the reservations and begin a write, unless it is early for that; what lands behind another is lost
        already.
        """
        write.read_us = clock_us = at_us + write.offset_us
        self._read_count += 1
        if write.early and self._first_free_us > clock_us + HORIZON_US:
            self._read_count += 1  # one read to be told that it is too early, and one to see until when
            write.early()
            return
        write.version = self._version
        landing_us = at_us + int((0.5 + self._random()) * self._write_us)
        if 0 < self._landing_us < landing_us:
            self._losers.append((landing_us, write))
            return
        if write.early:  # reservations change the reservations without fail
            self._landing_us = landing_us
        heappush(self._events, (landing_us, next(self._sequence), self._land, write))

    def _land(self, write: Write) -> None:
        if self._version != write.version:
            self._lose(write, self._now_us)
            return
        self._clock_us = write.read_us
        permits = write.change() or ()
        self._reserve, self._version = self._budget.look(), self._store.version(BUDGET)
        if self._version == write.version:
            write.then(permits)  # there was nothing to write
            return
        # Without quotas and floors this is what `first_free_us` works out.
        plain = not self._reserve.floors and not self.rule.quotas
        self._first_free_us = self._reserve.theoretical_arrival_us if plain else self._budget.first_free_us()
        wake_us, sleepers = self._first_free_us - HORIZON_US, self._sleepers
        if sleepers.fastest and wake_us > sleepers.wake_us:
            self._move(wake_us)
        self._landing_us = 0
        losers, self._losers = self._losers, []
        for landing_us, loser in losers:
            self._lose(loser, landing_us)
        write.then(permits)

    def _lose(self, write: Write, at_us: int) -> None:
        """Pause as `Budget` does, and read again, unless it is clear already what that would say."""
        self._lost_race_count += 1
        write.attempts_count += 1
        if write.attempts_count == ATTEMPTS:
            write.fail()
            return
        again_us = at_us + 1 + int(self._random() * min(LONGEST_BACKOFF_US, 1_000 << write.attempts_count))
        if write.early and self._first_free_us > again_us + write.offset_us + HORIZON_US:
            self._read_count += 2
            write.early()
        else:
            self._at(again_us, self._read, write)

    # The callers.

    def _start(self, permit: Permit, at_us: int) -> None:
        """Start a caller, on any of the clocks; it looks shortly before its slot, or is too late."""
        offsets_us = self._offsets_us
        offset_us = offsets_us[int(self._random() * len(offsets_us))]
        ready_us = at_us + self._draw_start_us()
        slot_us = permit.slot_us - offset_us  # in true time
        if ready_us > slot_us + MISSED_US:
            self.tally.missed_count += 1
            self._at(ready_us, self._reserve_anew, offset_us)
            return
        look_us = slot_us - LOOK_US
        if look_us < ready_us:
            look_us = ready_us
        heappush(self._events, (look_us, next(self._sequence), self._look, (permit, offset_us)))

    def _look(self, turn: tuple[Permit, int]) -> None:
        permit, offset_us = turn
        self._read_count += 1
        slot_us = slot_now(self.rule, permit, self._reserve)
        if slot_us is None:
            self.tally.void_count += 1
            self._reserve_anew(offset_us)
        elif self._now_us > slot_us - offset_us + self._grace_us:
            self.tally.missed_count += 1
            self._reserve_anew(offset_us)
        elif (look_us := slot_us - offset_us - LOOK_US) > self._now_us:
            self._at(look_us, self._look, turn)
        else:
            self._leave(permit, slot_us, offset_us)

    def _reserve_anew(self, offset_us: int) -> None:
        change = partial(self._budget.reserve, 1, OWN_LEAD_US, PATIENCE_US)
        self._read(Write(offset_us, change, partial(self._wait, offset_us), partial(self._return, 1)))

    def _wait(self, offset_us: int, permits: Sequence[Permit]) -> None:
        """Wait for a slot that the caller has reserved itself; where it was too far away, nothing was reserved."""
        if not permits:
            self._return(1)
            return
        [permit] = permits
        ahead_us = permit.slot_us - offset_us - self._now_us
        if ahead_us < -self._grace_us:
            self.tally.missed_count += 1
            self._reserve_anew(offset_us)
        elif ahead_us > FRESH_US:
            self._at(self._now_us + ahead_us - LOOK_US, self._look, (permit, offset_us))
        else:
            self._leave(permit, permit.slot_us, offset_us)

    def _leave(self, permit: Permit, slot_us: int, offset_us: int) -> None:
        """Leave at the slot, or at once behind it; arrive within the jitter, or astray."""
        settings = self._settings
        slot_us -= offset_us  # in true time
        delay_us = self._draw_jitter_us()
        if self._now_us > slot_us:  # a late start uses up its part of the jitter
            late_us = self._now_us - slot_us
            delay_us = late_us + delay_us * max(0, settings.jitter_us - late_us) // max(1, settings.jitter_us)
        if settings.stray_ratio and self._random() < settings.stray_ratio:
            delay_us = max(delay_us, settings.jitter_us + int(self._random() * settings.stray_us))
        self.arrivals_us.append(slot_us + delay_us)
        answer_us = delay_us + self._draw_answer_us()
        if settings.answers_prove_arrival and self.rule.is_late(0, answer_us):
            self._at(slot_us + answer_us, self._answer, (permit, offset_us))

    def _answer(self, turn: tuple[Permit, int]) -> None:
        """Tell the reservations of an answer that came after the headroom."""
        permit, offset_us = turn
        self.tally.late_count += 1
        change = partial(self._budget.late, permit, self._now_us + offset_us)
        self._read(Write(offset_us, change, lambda _: None, lambda: None))
