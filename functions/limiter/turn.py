"""Waiting for one's turn (hop 4, in the caller): the last step before the socket, where jitter dies.

A permit was taken ahead of time. Here its caller waits for the slot, looks at the book once more, and lets a slot that
it missed go: a late call would be sent into somebody else's window.
"""

from collections.abc import Callable
from typing import Final

from functions.errors import RetryLater
from functions.limiter.budget import Budget
from functions.limiter.permits import Permit, holds

LOOK_US: Final = 60_000
"""How long before its slot a caller looks whether a brake or a changed rule has voided it: one read of the store."""
GRACE_US: Final = 4_000
"""How late a call may leave after its slot; part of the headroom."""
REBOOK_LEAD_US: Final = 80_000
"""How far ahead a caller books for itself: the look, and the way to it."""
PATIENCE_US: Final = 10_000_000
"""A slot further away than this is not waited for in a running function."""


class Turn:
    """The turns of one call: one permit per attempt, the first of them booked by the dispatcher."""

    def __init__(
        self,
        budget: Budget,
        permit: Permit | None,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
    ) -> None:
        self._budget = budget
        self._permit = permit
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us
        self.missed_count = 0

    def take(self) -> None:
        """Return at a slot that holds. Raises RetryLater where it is too far away to wait for, or cannot be booked."""
        permit, self._permit = self._permit, None
        while permit is None or not self._wait(permit):
            self.missed_count += permit is not None
            [permit] = self._budget.book(1, REBOOK_LEAD_US)

    def _wait(self, permit: Permit) -> bool:
        """Wait for a slot; False where it is missed or void."""
        ahead_us = permit.slot_us - self._epoch_us()
        if ahead_us > PATIENCE_US:
            raise RetryLater("the next free slot is far away", retry_after_s=ahead_us / 1_000_000)
        if ahead_us < -GRACE_US:
            return False
        if ahead_us > LOOK_US:
            self._sleep_us(ahead_us - LOOK_US)
        if not holds(permit, self._budget.look()):
            return False
        ahead_us = permit.slot_us - self._epoch_us()
        if ahead_us > 0:
            self._sleep_us(ahead_us)
        return self._epoch_us() <= permit.slot_us + GRACE_US
