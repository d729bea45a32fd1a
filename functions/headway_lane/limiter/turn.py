"""Waiting for one's turn (hop 4, in the caller): the last step before the socket, where jitter dies.

A permit was taken ahead of time. Here its caller waits for the slot, looks at the reservations once more, and lets a
slot that it missed go: a late call would be sent into somebody else's window.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from headway_lane.contract.timing import TURN_PATIENCE_S
from headway_lane.limiter.budget import Budget, Contended
from headway_lane.limiter.reservations import Permit, slot_now
from headway_lane.limiter.signals import CoolDown, Reason
from headway_lane.runtime.errors import RetryLater

LOOK_US: Final = 100_000
"""How long before its slot a caller looks whether a cool-down or a changed rule has voided it: one read of the store.
"""
FRESH_US: Final = 2 * LOOK_US
"""A permit that its caller has reserved itself, so shortly before the slot, needs no look."""
GRACE_SHARE: Final = 2
"""A call may leave after its slot by half of the headroom: the other half is for the way to the door."""
OWN_LEAD_US: Final = 120_000
"""How far ahead a caller reserves for itself: the look, and the way to it."""
PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
MISSED_US: Final = 1_000_000
"""Who comes so much later than its slot does not look whether that was shifted; far below OUTSTANDING_US."""


class Turns(Protocol):
    """What a caller asks before every attempt. `missed_count`, `late_count` and `cool-downs` say how it went."""

    missed_count: int
    late_count: int
    cool_downs: Counter[Reason]

    def take(self) -> None:
        """Return when the call may leave, at once. Raises RetryLater."""
        ...

    def answered(self) -> None:
        """Tell that the vendor has answered, now."""
        ...

    def refused(self, cool_down: CoolDown) -> None:
        """Tell that the vendor wants nobody to call for a while."""
        ...

    def failed(self) -> None:
        """Tell that the vendor failed: 5xx, or no answer."""
        ...

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Tell that the vendor answered and is well, and the cool-down that it asked for beside its answer."""
        ...

    def report(self) -> None:
        """Write what was told, when nothing of the call can be lost any more."""
        ...


class Unpaced:
    """The turns of calls that no budget counts, or that were paced before (plain pacing)."""

    missed_count = 0
    late_count = 0

    def __init__(self) -> None:
        self.cool_downs: Counter[Reason] = Counter()

    def take(self) -> None:
        """Return at once."""

    def answered(self) -> None:
        """Do nothing: there is nobody to tell."""

    def refused(self, cool_down: CoolDown) -> None:
        """Do nothing: there is nobody to tell."""

    def failed(self) -> None:
        """Do nothing: there is nobody to tell."""

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Do nothing: there is nobody to tell."""

    def report(self) -> None:
        """Do nothing: there is nobody to tell."""


class Turn:
    """The turns of one call: one permit per attempt, the first of them reserved by the dispatcher."""

    def __init__(
        self,
        budget: Budget,
        permit: Permit | None,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
        answers_prove_arrival: bool = True,
    ) -> None:
        self._budget = budget
        self._permit = permit
        self._used: tuple[Permit, int] | None = None
        self._late: list[tuple[Permit, int]] = []
        self._well: Permit | None = None
        self._asked: CoolDown | None = None
        self._answers_prove_arrival = answers_prove_arrival
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us
        self._grace_us = budget.rule.headroom_us // GRACE_SHARE
        self.missed_count = 0
        self.late_count = 0
        self.cool_downs: Counter[Reason] = Counter()

    def take(self) -> None:
        """Return at a slot that holds. Raises RetryLater where it is too far away, or cannot be reserved."""
        self.report()  # the attempt before is over: its floor cannot wait for all the others
        permit, self._permit, self._used = self._permit, None, None
        slot_us = self._wait(permit, 0) if permit else None  # its dispatcher saw the reservations long ago
        while permit is None or slot_us is None:
            self.missed_count += permit is not None
            permit, seen_us = self._reserve(), self._epoch_us()
            slot_us = self._wait(permit, seen_us)
        self._used = permit, slot_us

    def answered(self) -> None:
        """Note an answer that came after the headroom; nothing is written before the answer itself is safe."""
        now_us = self._epoch_us()
        if self._used and self._answers_prove_arrival:
            permit, slot_us = self._used
            if self._budget.rule.is_late(slot_us, now_us):
                self._late.append((permit, now_us))

    def report(self) -> None:
        """Put floors behind the calls that were answered late: one write each, for the exceptions only.

        A floor that cannot be written for contention is left out: then the headroom alone has to hold.
        """
        self.late_count += len(self._late)
        while self._late:
            permit, answered_us = self._late.pop()
            with suppress(Contended):
                self._budget.late(permit, answered_us)
        self._report_success()

    def refused(self, cool_down: CoolDown) -> None:
        """Cool-down every caller of this budget. Never raises Contended."""
        with suppress(Contended):
            self.cool_downs[cool_down.reason] += self._budget.cool_down(
                int(cool_down.duration_s * 1_000_000), cool_down.reason
            )

    def failed(self) -> None:
        """Count the failure at once: the next attempt is a pause away. Never raises Contended."""
        if self._used:
            with suppress(Contended):
                self.cool_downs[Reason.CIRCUIT] += self._budget.failed(self._left(self._used))

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Note it; nothing is written before the answer itself is safe."""
        self._well, self._asked = self._used and self._left(self._used), cool_down

    @staticmethod
    def _left(used: tuple[Permit, int]) -> Permit:
        """Return a permit with the slot at which its call has left, which may have been shifted."""
        permit, slot_us = used
        return replace(permit, slot_us=slot_us)

    def _report_success(self) -> None:
        """Close the circuit, or forget failures, where the reservations showed any; and cool-down for the vendor's last
        word.

        A budget that is all used is at its end once a window: that nothing remains until the window is over is no news,
        and the reservations keeps that end more exactly than a reset in whole seconds.
        """
        well, self._well = self._well, None
        asked, self._asked = self._asked, None
        if well:
            with suppress(Contended):
                self._budget.succeeded(well)
        if asked and asked.duration_s * 1_000_000 > self._budget.rule.forget_us:
            self.refused(asked)

    def _reserve(self) -> Permit:
        """Reserve a slot that is near enough to wait for; one that is not is left to others. Raises RetryLater."""
        permits = self._budget.reserve(1, OWN_LEAD_US, PATIENCE_US)
        if permits:
            return permits[0]
        ahead_us = self._budget.ask_again_us() - self._epoch_us()
        raise RetryLater("the next free slot is far away", retry_after_s=max(ahead_us, 0) / 1_000_000)

    def _wait(self, permit: Permit, seen_us: int) -> int | None:
        """Wait for a slot and return it; None where it is missed or void. A reserve that was seen (`seen_us`) just
        before the slot is not looked at again.
        """
        slot_us = permit.slot_us
        if self._epoch_us() > slot_us + MISSED_US:
            return None
        while slot_us - seen_us > FRESH_US:
            ahead_us = slot_us - self._epoch_us()
            if ahead_us > PATIENCE_US:
                raise RetryLater("the slot is far away", retry_after_s=ahead_us / 1_000_000)
            if ahead_us > LOOK_US:
                self._sleep_us(ahead_us - LOOK_US)
            seen_us = self._epoch_us()
            moved_us = slot_now(self._budget.rule, permit, self._budget.look())
            if moved_us is None:
                return None
            slot_us = moved_us
        ahead_us = slot_us - self._epoch_us()
        if ahead_us > 0:
            self._sleep_us(ahead_us)
        return slot_us if self._epoch_us() <= slot_us + self._grace_us else None
