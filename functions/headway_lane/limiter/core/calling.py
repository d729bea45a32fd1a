"""Waiting for one's turn (hop 4, in the caller): the last step before the socket, where jitter dies.

A permit was reserved ahead of time. Here its caller waits for the slot, looks at the reservations once more, and lets a
slot that it missed go: a late call would be sent into somebody else's window.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from headway_lane.contract.timing import TURN_PATIENCE_S
from headway_lane.limiter.core.changes import Changes, Contended
from headway_lane.limiter.core.reservations import Permit, slot_now
from headway_lane.limiter.core.signals import CoolDown, Reason
from headway_lane.limiter.core.steps import LOOK, READY, Sleep, Steps
from headway_lane.runtime.errors import RetryLater

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
OWN_LEAD_US: Final = 120_000
"""How far ahead a caller reserves for itself: the look, and the way to it."""
PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
"""The longest that anybody waits for a slot; what is further away goes back to the queue."""
MISSED_US: Final = 1_000_000
"""Who comes so much later than its slot does not look whether that was shifted; far below OUTSTANDING_US."""


class CallTurns:
    """The turns of one call: one permit per attempt, the first of them reserved by the dispatcher.

    `left_us` is the slot at which the attempt under way has left. `missed_count` counts permits that were not used,
    `void_count` those among them that a cool-down, a probe or a new rule had voided.
    """

    __slots__ = (
        "_answers_prove_arrival",
        "_asked",
        "_changes",
        "_epoch_us",
        "_grace_us",
        "_late",
        "_permit",
        "_ready",
        "_used",
        "_well",
        "cool_downs",
        "late_count",
        "missed_count",
        "void_count",
    )

    def __init__(
        self,
        changes: Changes,
        permit: Permit | None,
        epoch_us: Callable[[], int],
        answers_prove_arrival: bool = True,
    ) -> None:
        self._changes = changes
        self._permit = permit
        self._epoch_us = epoch_us
        self._answers_prove_arrival = answers_prove_arrival
        self._grace_us = changes.rule.headroom_us // GRACE_SHARE
        self._ready = False
        self._used: tuple[Permit, int] | None = None
        self._late: list[tuple[Permit, int]] = []
        self._well: Permit | None = None
        self._asked: CoolDown | None = None
        self.missed_count = 0
        self.void_count = 0
        self.late_count = 0
        self.cool_downs: Counter[Reason] = Counter()

    @property
    def left_us(self) -> int:
        """The slot of the attempt under way. ValueError before the first."""
        if self._used is None:
            raise ValueError("no turn was taken yet")
        return self._used[1]

    def take(self) -> Steps[None]:
        """Be ready, once, and return at a slot that holds. Raises RetryLater where it is too far away, or cannot be
        reserved; and where slots were missed or void until PATIENCE_US was over: while a contract is being changed,
        whoever knows the old rule and whoever knows the new one void each other's permits, and only the next invocation
        knows better.
        """
        yield from self.report()  # the attempt before is over: its floor cannot wait for all the others
        give_up_us = self._epoch_us() + PATIENCE_US
        permit, self._permit, self._used, self._ready = self._permit, None, None, False
        slot_us = (yield from self._wait(permit, 0)) if permit else None  # its dispatcher looked long ago
        while permit is None or slot_us is None:
            self.missed_count += permit is not None
            yield from self._be_ready()  # before a slot is taken that this would cost
            permit = yield from self._reserve(give_up_us)
            slot_us = yield from self._wait(permit, self._epoch_us())
        self._used = permit, slot_us

    def answered(self) -> None:
        """Note an answer that came after the headroom; nothing is written before the answer itself is safe."""
        now_us = self._epoch_us()
        if self._used and self._answers_prove_arrival:
            permit, slot_us = self._used
            if self._changes.rule.is_late(slot_us, now_us):
                self._late.append((permit, now_us))

    def refused(self, cool_down: CoolDown) -> Steps[None]:
        """Cool every caller of this budget down. Never raises Contended."""
        with suppress(Contended):
            began = yield from self._changes.cool_down(int(cool_down.duration_s * 1_000_000), cool_down.reason)
            self.cool_downs[cool_down.reason] += began

    def failed(self) -> Steps[None]:
        """Count the failure at once: the next attempt is a pause away. Never raises Contended."""
        if self._used:
            with suppress(Contended):
                opened = yield from self._changes.failed(_left(self._used))
                self.cool_downs[Reason.CIRCUIT] += opened

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Note it; nothing is written before the answer itself is safe."""
        self._well, self._asked = self._used and _left(self._used), cool_down

    def report(self) -> Steps[None]:
        """Put floors behind the calls that were answered late: one write each, for the exceptions only. Then close the
        circuit, or forget failures, where there were any; and cool down for the vendor's last word.

        A floor that cannot be written for contention is left out: then the headroom alone has to hold. A budget that is
        all used is at its end once a window: that nothing remains until the window is over is no news, and the
        reservations keep that end more exactly than a reset in whole seconds.
        """
        self.late_count += len(self._late)
        while self._late:
            permit, answered_us = self._late.pop()
            with suppress(Contended):
                yield from self._changes.late(permit, answered_us)
        well, self._well = self._well, None
        asked, self._asked = self._asked, None
        if well:
            with suppress(Contended):
                yield from self._changes.succeeded(well)
        if asked and asked.duration_s * 1_000_000 > self._changes.rule.forget_us:
            yield from self.refused(asked)

    def _reserve(self, latest_us: int) -> Steps[Permit]:
        """Reserve a slot that is near enough to wait for; one that is not is left to others. Raises RetryLater."""
        permits = yield from self._changes.reserve(1, OWN_LEAD_US, latest_us - self._epoch_us())
        if permits:
            return permits[0]
        ahead_us = self._changes.ask_again_us((yield LOOK)) - self._epoch_us()
        raise RetryLater("the next free slot is far away", retry_after_s=max(ahead_us, 0) / 1_000_000)

    def _be_ready(self) -> Steps[None]:
        if not self._ready:
            yield READY
            self._ready = True

    def _wait(self, permit: Permit, seen_us: int) -> Steps[int | None]:
        """Wait for a slot and return it; None where it is missed or void. What was seen (`seen_us`) just before the
        slot is not looked at again.
        """
        slot_us = permit.slot_us
        if self._epoch_us() > slot_us + MISSED_US:
            return None
        if not self._ready and slot_us - self._epoch_us() <= PATIENCE_US:
            yield Sleep(slot_us - READY_US)
            yield from self._be_ready()
        while slot_us - seen_us > FRESH_US:
            ahead_us = slot_us - self._epoch_us()
            if ahead_us > PATIENCE_US:
                raise RetryLater("the slot is far away", retry_after_s=ahead_us / 1_000_000)
            yield Sleep(slot_us - LOOK_US)
            seen_us = self._epoch_us()
            moved_us = slot_now(self._changes.rule, permit, self._changes.see((yield LOOK)))
            if moved_us is None:
                self.void_count += 1
                return None
            slot_us = moved_us
        yield Sleep(slot_us)
        return slot_us if self._epoch_us() <= slot_us + self._grace_us else None


def _left(used: tuple[Permit, int]) -> Permit:
    """Return a permit with the slot at which its call has left, which may have been shifted."""
    permit, slot_us = used
    return replace(permit, slot_us=slot_us)
