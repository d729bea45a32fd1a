"""Waiting for one's turn (hop 4, in the caller): the last step before the socket, where jitter dies.

A permit was taken ahead of time. Here its caller waits for the slot, looks at the book once more, and lets a slot that
it missed go: a late call would be sent into somebody else's window.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from functions.contract.vendor import TURN_PATIENCE_S
from functions.errors import RetryLater
from functions.limiter.budget import Budget, Contended
from functions.limiter.permits import Permit, slot_now

LOOK_US: Final = 60_000
"""How long before its slot a caller looks whether a brake or a changed rule has voided it: one read of the store."""
FRESH_US: Final = 2 * LOOK_US
"""A permit that its caller has booked itself, so shortly before the slot, needs no look."""
GRACE_SHARE: Final = 3
"""A call may leave after its slot by a third of the headroom: what is left is for the way to the door."""
REBOOK_LEAD_US: Final = 80_000
"""How far ahead a caller books for itself: the look, and the way to it."""
BRAKE_S: Final = 1.0
"""Brake after a 429 that does not say for how long."""
LONGEST_BRAKE_S: Final = 900.0
"""Longest brake that a vendor's word can cause; then somebody asks again."""
PATIENCE_US: Final = TURN_PATIENCE_S * 1_000_000
MISSED_US: Final = 1_000_000
"""Who comes so much later than its slot does not look whether that was shifted; far below OUTSTANDING_US."""


class Turns(Protocol):
    """What a caller asks before every attempt. `missed_count` and `late_count` say how it went."""

    missed_count: int
    late_count: int

    def take(self) -> None:
        """Return when the call may leave, at once. Raises RetryLater."""
        ...

    def answered(self) -> None:
        """Tell that the vendor has answered, now."""
        ...

    def refused(self, retry_after_s: float | None) -> None:
        """Tell that the vendor answered 429."""
        ...

    def report(self) -> None:
        """Write what was told, when nothing of the call can be lost any more."""
        ...


class Unpaced:
    """The turns of calls that no budget counts, or that were paced before (plain pacing)."""

    missed_count = 0
    late_count = 0

    def take(self) -> None:
        """Return at once."""

    def answered(self) -> None:
        """Do nothing: there is nobody to tell."""

    def refused(self, retry_after_s: float | None) -> None:
        """Do nothing: there is nobody to tell."""

    def report(self) -> None:
        """Do nothing: there is nobody to tell."""


class Turn:
    """The turns of one call: one permit per attempt, the first of them booked by the dispatcher."""

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
        self._answers_prove_arrival = answers_prove_arrival
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us
        self._grace_us = budget.rule.headroom_us // GRACE_SHARE
        self.missed_count = 0
        self.late_count = 0

    def take(self) -> None:
        """Return at a slot that holds. Raises RetryLater where it is too far away to wait for, or cannot be booked."""
        self.report()  # the attempt before is over: its floor cannot wait for all the others
        permit, self._permit, self._used = self._permit, None, None
        slot_us = self._wait(permit, 0) if permit else None  # its dispatcher saw the book long ago
        while permit is None or slot_us is None:
            self.missed_count += permit is not None
            permit, seen_us = self._book(), self._epoch_us()
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

    def refused(self, retry_after_s: float | None) -> None:
        """Brake every caller of this budget for as long as the vendor asked, or for BRAKE_S. Never raises Contended."""
        duration_s = BRAKE_S if retry_after_s is None else min(retry_after_s, LONGEST_BRAKE_S)
        with suppress(Contended):
            self._budget.brake(int(duration_s * 1_000_000))

    def _book(self) -> Permit:
        """Book one permit for ourselves, unless its slot is too far away."""
        permits = self._budget.book(1, REBOOK_LEAD_US, PATIENCE_US)
        if permits:
            return permits[0]
        ahead_us = self._budget.first_free_us() - self._epoch_us()
        raise RetryLater("the next free slot is far away", retry_after_s=ahead_us / 1_000_000)

    def _wait(self, permit: Permit, seen_us: int) -> int | None:
        """Wait for a slot and return it; None where it is missed or void. A book that was seen (`seen_us`) just before
        the slot is not looked at again.
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
