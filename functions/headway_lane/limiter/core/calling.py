"""Waiting for one's turn (hop 4, in the caller): the last step before the socket, where jitter dies.

A permit was reserved ahead of time. Here its caller waits for the slot, looks at the reservations once more, and lets a
slot that it missed go: a late call would be sent into somebody else's window.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from headway_lane.contract.timing import TURN_PATIENCE_S
from headway_lane.limiter.core.changes import Changes, Contended, Late
from headway_lane.limiter.core.measured import Sample, Samples
from headway_lane.limiter.core.reservations import Permit, slot_now
from headway_lane.limiter.core.signals import Announced, CoolDown, Reason
from headway_lane.limiter.core.steps import ENTER, LOOK, READY, ROOM, Sleep, Steps
from headway_lane.runtime.errors import NoTurn

LOOK_US: Final = 100_000
"""How long before its slot a caller looks whether a cool-down or a changed rule has voided it: one read."""
READY_US: Final = 250_000
"""How long before its slot a caller does what it has to do before it leaves: it asks Step Functions whether its task
still waits, and writes into the ledger that it sends. Each takes tens of milliseconds on AWS.
"""
FRESH_US: Final = 2 * LOOK_US
"""A permit that its caller has reserved itself, so shortly before the slot, needs no look."""
GRACE_SHARE: Final = 2
"""A call may leave after its slot by half of the headroom: the other half is for the way to the door."""
OWN_LEAD_US: Final = 15_000
"""How far ahead a caller reserves for itself at least: its own write, 5 to 10 ms on AWS. As far as its
worker's last reservation took, and doubled with each slot that it misses.
"""
LONGEST_LEAD_US: Final = 500_000
MISSES_LIMIT: Final = 3
"""So many slots that came to nothing send a call back to its queue: what keeps it from its slots goes on."""
MISSED_REQUEUE_S: Final = 1.0
"""Delay of such a call."""
PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
"""The longest that anybody waits for a slot; what is further away goes back to the queue."""
MISSED_US: Final = 1_000_000
"""Who comes so much later than its slot does not look whether that was shifted; far below OUTSTANDING_US."""
ROOM_POLL_US: Final = 30_000
"""How often a caller looks whether another job may be in flight."""
FULL_REQUEUE_S: Final = 5.0
"""Delay of a call that found no room for as long as it has patience: others wait in its place meanwhile."""


class InFlightFull(NoTurn):
    """As many jobs are in flight as the contract allows."""


class CallTurns:
    """The turns of one call: one permit per attempt, the first of them reserved by the dispatcher, where it did. `call`
    is what tells it from other calls; each attempt of a call without it is one of its own.

    `left_us` is the slot at which the attempt under way has left. `missed_count` counts permits that were not used,
    `void_count` those among them that a cool-down, a probe or a stricter rule had voided, `cold_count` those for which
    a worker came too late that has made no call yet, `full_count` whether jobs in flight kept it waiting. `times` are
    those of its attempts that were answered.
    """

    __slots__ = (
        "_announced",
        "_asked",
        "_call",
        "_changes",
        "_cold",
        "_entered",
        "_epoch_us",
        "_late",
        "_permit",
        "_ready",
        "_samples",
        "_used",
        "_well",
        "cold_count",
        "cool_downs",
        "full_count",
        "late_count",
        "missed_count",
        "times",
        "void_count",
    )

    def __init__(
        self,
        changes: Changes,
        permit: Permit | None,
        epoch_us: Callable[[], int],
        samples: Samples | None = None,
        call: str = "",
    ) -> None:
        self._call = call
        self._changes = changes
        self._permit = permit
        self._epoch_us = epoch_us
        self._samples = Samples() if samples is None else samples
        self._cold = self._samples.new
        self._entered = False
        self._ready = False
        self._used: tuple[Permit, int, int] | None = None
        self._late: list[Late] = []
        self._well: Permit | None = None
        self._asked: CoolDown | None = None
        self._announced: Sequence[Announced] = ()
        self.missed_count = 0
        self.void_count = 0
        self.cold_count = 0
        self.late_count = 0
        self.full_count = 0
        self.times: tuple[Sample, ...] = ()
        self.cool_downs: Counter[Reason] = Counter()

    @property
    def left_us(self) -> int:
        """The slot of the attempt under way. ValueError before the first."""
        if self._used is None:
            raise ValueError("no turn was taken yet")
        return self._used[1]

    def take(self) -> Steps[None]:
        """Be ready, once, and return at a slot that holds. Raises NoTurn where it is too far away, or cannot be
        reserved; where MISSES_LIMIT slots came to nothing; and InFlightFull where no other job may be in flight.
        """
        yield from self.report()  # the attempt before is over: its floor cannot wait for all the others
        give_up_us = self._epoch_us() + PATIENCE_US
        permit, self._permit, self._used, self._ready = self._permit, None, None, False
        slot_us = (yield from self._wait(permit, 0)) if permit else None  # its dispatcher looked long ago
        misses_count = 0
        while permit is None or slot_us is None:
            if permit is not None:
                self.missed_count += 1
                misses_count += 1
            if misses_count == MISSES_LIMIT:
                raise NoTurn(f"{MISSES_LIMIT} slots came to nothing", retry_after_s=MISSED_REQUEUE_S)
            yield from self._find_room(give_up_us)  # before a slot is taken that this would cost
            permit = yield from self._reserve(give_up_us, misses_count, permit is not None)
            slot_us = yield from self._wait(permit, self._epoch_us())
        self._used = permit, slot_us, self._epoch_us() - slot_us

    def answered(self) -> None:
        """Note when the answer came; nothing is written before the answer itself is safe."""
        now_us = self._epoch_us()
        if self._used:
            permit, slot_us, left_us = self._used
            sample = Sample(left_us, now_us - slot_us)
            self.times += (sample,)
            self._samples.add(sample, now_us)
            if self._changes.rule.is_late(self._changes.lateness_us(slot_us, now_us)):
                self._late.append(Late(permit, slot_us, now_us))

    def refused(self, cool_down: CoolDown) -> Steps[None]:
        """Cool every caller of this budget down. Never raises Contended."""
        with suppress(Contended):
            duration_us, number = int(cool_down.duration_s * 1_000_000), self._used[0].number if self._used else None
            began = yield from self._changes.cool_down(duration_us, cool_down.reason, number)
            self.cool_downs[cool_down.reason] += began

    def failed(self) -> Steps[None]:
        """Count the failure at once: the next attempt is a pause away. Never raises Contended."""
        if self._used:
            with suppress(Contended):
                opened = yield from self._changes.failed(self._left(), self._call or f"number {self._left().number}")
                self.cool_downs[Reason.CIRCUIT] += opened

    def announced(self, limits: Sequence[Announced]) -> None:
        """Note limits that the vendor says it has."""
        self._announced = limits

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Note it; nothing is written before the answer itself is safe."""
        self._well, self._asked = self._left() if self._used else None, cool_down

    def report(self) -> Steps[None]:
        """Put floors behind the calls that were answered late: one write, for the exceptions only, which takes along
        what this worker has measured. Then close the circuit, or forget failures, where there were any; and cool down
        for the vendor's last word. What it has announced is written where it is news.

        A floor that cannot be written for contention is left out: then the headroom alone has to hold. A budget that is
        all used is at its end once a window: that nothing remains until the window is over is no news, and the
        reservations keep that end more exactly than a reset in whole seconds.
        """
        self.late_count += len(self._late)
        late_ones, self._late = self._late, []
        if late_ones or self._samples.due(self._epoch_us(), at_once=self._changes.learning):
            with suppress(Contended):
                yield from self._changes.answered(late_ones, self._samples.drain())
        well, self._well = self._well, None
        asked, self._asked = self._asked, None
        if well:
            with suppress(Contended):
                yield from self._changes.succeeded(well)
        told, self._announced = self._announced, ()
        if told:
            with suppress(Contended):
                yield from self._changes.announced(told)
        if asked and asked.duration_s * 1_000_000 > self._changes.rule.forget_us:
            yield from self.refused(asked)

    def _reserve(self, latest_us: int, misses_count: int, again: bool) -> Steps[Permit]:
        """Reserve a slot that is near enough to wait for; one that is not is left to others. Raises NoTurn."""
        began_us = self._epoch_us()
        lead_us = min(LONGEST_LEAD_US, max(OWN_LEAD_US, self._samples.reserving_us) << misses_count)
        permits = yield from self._changes.reserve(1, lead_us, latest_us - began_us, again=again, came=not again)
        self._samples.reserving_us = self._epoch_us() - began_us
        if permits:
            return permits[0]
        ahead_us = self._changes.ask_again_us((yield LOOK)) - self._epoch_us()
        raise NoTurn("the next free slot is far away", retry_after_s=max(ahead_us, 0) / 1_000_000)

    def _be_ready(self) -> Steps[None]:
        if not self._ready:
            yield READY
            self._ready = True

    def _find_room(self, give_up_us: int) -> Steps[None]:
        """Return, ready, when another job may be in flight: a slot that is reserved before would be lost. Who has to
        wait for that is not ready before: it may be a long time.
        """
        while not self._entered and not (yield ROOM):
            self.full_count = 1
            if self._epoch_us() >= give_up_us:
                raise InFlightFull("all in-flight permits of the vendor are taken", retry_after_s=FULL_REQUEUE_S)
            yield Sleep(self._epoch_us() + ROOM_POLL_US)
        yield from self._be_ready()

    def _wait(self, permit: Permit, seen_us: int) -> Steps[int | None]:
        """Wait for a slot and return it; None where it is missed or void, or where one would not be in flight by then.
        What was seen (`seen_us`) just before the slot is not looked at again.
        """
        slot_us = permit.slot_us
        if self._epoch_us() > slot_us + MISSED_US:
            self._too_late()
            return None
        if not self._ready and slot_us - self._epoch_us() <= PATIENCE_US:
            yield Sleep(slot_us - READY_US)
            yield from self._be_ready()
        while slot_us - seen_us > FRESH_US:
            ahead_us = slot_us - self._epoch_us()
            if ahead_us > PATIENCE_US:
                raise NoTurn("the slot is far away", retry_after_s=ahead_us / 1_000_000)
            yield Sleep(slot_us - LOOK_US)
            seen_us = self._epoch_us()
            moved_us = slot_now(self._changes.rule, permit, self._changes.see((yield LOOK)))
            if moved_us is None:
                self.void_count += 1
                return None
            slot_us = moved_us
        if not self._entered:
            self._entered = yield ENTER
            if not self._entered:
                return None
        yield Sleep(slot_us)
        grace_us = self._changes.rule.headroom_us // GRACE_SHARE
        if self._epoch_us() <= slot_us + grace_us:
            return slot_us
        self._too_late()
        return None

    def _too_late(self) -> None:
        """Note that a slot was missed: for a cold start, which says nothing of the pipeline, or not."""
        self.cold_count += self._cold
        self._cold = False

    def _left(self) -> Permit:
        """Return the permit in use with the slot at which its call has left, which may have been shifted."""
        if self._used is None:
            raise ValueError("no turn was taken yet")
        permit, slot_us, _ = self._used
        return replace(permit, slot_us=slot_us)
