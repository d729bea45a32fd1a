"""When each call of a batch is started (hop 4, in the dispatcher): its lead before its slot.

Permits are reserved in few writes, a chunk of time at a time, and no sooner than the first of them comes within the
horizon: whoever reserves far ahead cannot be told of calls that arrive late.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from headway_lane.limiter.core.calling import PATIENCE_US
from headway_lane.limiter.core.changes import Changes, Contended
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.core.steps import AwaitSlot, Entry, Mark, Sight, Sleep, Steps
from headway_lane.runtime.errors import NoTurn

LEAD_US: Final = 500_000
"""How long before its slot a call is started: Express start, caller, ledger, and a worker's wake-up fit in."""
HORIZON_US: Final = 600_000
"""How long before the first free slot permits are reserved: the lead, and the write with its races."""
CHUNK_US: Final = 500_000
"""How much time one reservation may cover: half a second is a batch of ten at 20 calls a second, and a share of the
budget that another dispatcher can wait for.
"""
ON_WAY_POLL_US: Final = 50_000
"""How often a dispatcher looks whether those have come that were started without a permit."""
NEVER_US: Final = 1 << 62
"""A moment that does not come."""


class DayCapped(NoTurn):
    """As many calls were made today as the operator allows."""


def chunk_count(emission_interval_us: int) -> int:
    """Return how many permits one reservation may cover."""
    return max(1, CHUNK_US // emission_interval_us)


class BatchTurns:
    """The turns of one batch of `count` calls; `spare` are permits that are reserved and not taken yet.

    `patient_until_us` is when waiting would outlast the dispatcher.
    """

    __slots__ = ("_await", "_changes", "_epoch_us", "_granted_count", "_on_the_spot_us", "_unreserved_count", "spare")

    def __init__(
        self,
        changes: Changes,
        count: int,
        epoch_us: Callable[[], int],
        *,
        share: Share = UNSHARED,
        patient_until_us: int = NEVER_US,
    ) -> None:
        self._changes = changes
        self._unreserved_count = count
        self._epoch_us = epoch_us
        self._await = AwaitSlot(HORIZON_US, share, PATIENCE_US, patient_until_us)
        self._on_the_spot_us = 0
        self._granted_count = 0
        self.spare: Sequence[Permit] = ()

    def take(self) -> Steps[Permit | None]:
        """Return the next permit when its lead begins; None, at once, where the call reserves for itself on the spot.

        Raises NoTurn where the next slot is far away, or where waiting would outlast the dispatcher: cool-downs,
        probes of a failing vendor and a low rate must not cost a message its receive. DayCapped where that is the cap.
        """
        if not self.spare:
            self.spare = yield from self._reserve()
            self._unreserved_count -= len(self.spare) or 1
            if not self.spare:
                return None
        permit = self.spare[0]
        yield Sleep(permit.slot_us - LEAD_US)
        self.spare = self.spare[1:]
        return permit

    def close(self) -> Steps[None]:
        """Cancel what was not taken; where that fails for contention, it stays as gaps, which break nothing."""
        with suppress(Contended):
            yield from self._changes.cancel(self.spare)
        self.spare = ()

    def _reserve(self) -> Steps[Sequence[Permit]]:
        """Reserve when the first free slot comes within the horizon; others who wait for the same one may be first.
        Nothing is reserved where the next call does that on the spot; those follow one another as slots would.
        """
        changes, awaited = self._changes, self._await
        if self._granted_count:
            self._granted_count -= 1
            yield Sleep(self._on_the_spot_us)
            self._on_the_spot_us = self._epoch_us() + changes.rule.emission_interval_us
            return ()
        lost_count = 0
        while True:
            sight: Sight = yield awaited
            now_us = self._epoch_us()
            if sight.at_us - now_us > awaited.longest_us or max(sight.at_us, now_us) > awaited.latest_us:
                raise self._later(sight, now_us)
            if now_us >= self._on_the_spot_us and changes.idle(sight.entry, now_us):
                alone = not self._on_the_spot_us and changes.alone(sight.entry, now_us)
                sparse = changes.sparse(sight.entry, now_us)
                if alone or (sparse and (yield from self._may_start(sight.entry))):
                    self._on_the_spot_us = now_us + changes.rule.emission_interval_us
                    return ()
                if sparse:
                    yield Sleep(now_us + ON_WAY_POLL_US)
                    continue
            lost_count = 0 if sight.waited else lost_count
            count = min(chunk_count(changes.rule.emission_interval_us), self._unreserved_count)
            permits: Sequence[Permit] | Mark = yield changes.reserving(
                count, LEAD_US, awaited.horizon_us, awaited.share, sight.entry
            )
            if isinstance(permits, Mark):
                lost_count += 1
                yield changes.backoff(lost_count)
            elif permits:
                return permits

    def _may_start(self, entry: Entry | None) -> Steps[bool]:
        """Return whether another call may be started without a permit; leave for several is taken in one write."""
        granted: int | Mark = yield self._changes.starting(self._unreserved_count, entry)
        if isinstance(granted, Mark) or not granted:
            return False
        self._granted_count = granted - 1
        return True

    def _later(self, sight: Sight, now_us: int) -> NoTurn:
        ahead_us = self._changes.ask_again_us(sight.entry) - self._await.horizon_us - now_us
        after_s = max(ahead_us, 0) / 1_000_000
        if self._changes.capped(sight.entry):
            return DayCapped("the cap of the day is reached", retry_after_s=after_s)
        return NoTurn("the next free slot is far away", retry_after_s=after_s)
