"""In-flight permits (hop 4): how many jobs of a vendor are at work at one time, where its contract limits them.

A call acquires one in the last moment before its slot, and holds it until the vendor's last word on its job. All
holders of a vendor are one map, call ID -> when its hold expires, which one conditional write changes only where no
more than the limit are in it afterwards. So no crash, repeat or race can let one job too many in: what was read is
never trusted. Expired holders count like all others until somebody who finds the map full purges them, so that the
limit rests on no clock; a clock that runs ahead by more than the margin of `in_flight_expiry_s` could only purge a
holder too early.

A release removes the call's key, which a second time changes nothing: exactly once by construction.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple, Protocol

from headway_lane.limiter.budget_name import in_flight_key
from headway_lane.runtime.errors import RetryLater

ACQUIRE_ATTEMPTS: Final = 12
"""A write is refused only where somebody else's went through in between: a dozen in a row want a crowd."""
PURGE_LIMIT: Final = 25
"""Expired holders that one write removes: with a batch's own the expressions stay below DynamoDB's 4 KB."""

Holders = Mapping[str, int]
"""Call ID -> epoch second at which its hold expires."""


class InFlightContended(RetryLater):
    """Too many acquired at the same time; who holds one is not known."""


class InFlightStore(Protocol):
    """Where in-flight permits are kept; every change is one conditional write."""

    def open(self, budget: str) -> None:
        """Make the map of a budget, empty, where there is none."""
        ...

    def read(self, budget: str) -> Holders | None:
        """Return all holders of a budget, expired ones too, read consistently; None where nobody has opened it."""
        ...

    def acquire(self, budget: str, taken: Holders, expired: Holders, limit: int) -> bool:
        """Let the calls in `taken` in and remove `expired` holders, which may be the same calls.

        False, and nothing is changed, where more than `limit` would hold one afterwards, a call holds one already that
        is not in `expired`, an expired one is not as given here, or nobody has opened the budget. With nothing in
        `taken` the limit is not looked at.
        """
        ...

    def release(self, budget: str, call_id: str) -> None:
        """Remove a call from the holders; nothing happens where it is none."""
        ...


class Draft(NamedTuple):
    """What to do about a batch of calls: who holds one already, who may acquire one, and who is removed for it."""

    holders: frozenset[str]
    taking: tuple[str, ...]
    expired: Holders


def draft(held: Holders, call_ids: Collection[str], now_s: int, limit: int) -> Draft:
    """Let the first of `call_ids` in as far as the limit goes, expired holders out of the way.

    Expired holders are removed only where there is no room: a limit that is never reached never has to purge.
    """
    running = {call_id for call_id, until_s in held.items() if until_s > now_s}
    holders = frozenset(call_id for call_id in call_ids if call_id in running)
    waiting = [call_id for call_id in dict.fromkeys(call_ids) if call_id not in running]
    taking = tuple(waiting[: max(0, limit - len(running))])
    if not taking:
        return Draft(holders, (), {})
    own = {call_id: held[call_id] for call_id in taking if call_id in held}
    stale = {call_id: until_s for call_id, until_s in held.items() if call_id not in running and call_id not in own}
    lacking = max(0, len(held) - len(own) + len(taking) - limit)
    if lacking > PURGE_LIMIT:  # a limit that was lowered: first they have to go, in several writes
        return Draft(holders, (), dict(list(stale.items())[:PURGE_LIMIT]))
    return Draft(holders, taking, own | dict(list(stale.items())[:lacking]))


class InFlight:
    """The in-flight permits of one vendor, shared by all who call it; at most `limit` are held."""

    def __init__(
        self, store: InFlightStore, vendor_name: str, limit: int, expiry_s: int, epoch_us: Callable[[], int]
    ) -> None:
        self.limit = limit
        self._store = store
        self._budget = in_flight_key(vendor_name)
        self._expiry_s = expiry_s
        self._epoch_us = epoch_us

    def holders(self) -> frozenset[str]:
        """Return the calls that hold one; expired ones hold none."""
        now_s = self._now_s()
        held = self._store.read(self._budget) or {}
        return frozenset(call_id for call_id, until_s in held.items() if until_s > now_s)

    def acquire(self, call_id: str) -> bool:
        """Let a call in where there is room; one that holds one keeps it, with its expiry. False where all are taken.
        Raises InFlightContended.

        One write where there is room. After a refusal the map is read before it is written again.
        """
        taken = {call_id: self._now_s() + self._expiry_s}
        if self._store.acquire(self._budget, taken, {}, self.limit):
            return True
        for _ in range(ACQUIRE_ATTEMPTS):
            held = self._store.read(self._budget)
            if held is None:
                self._store.open(self._budget)
                held = {}
            plan = draft(held, [call_id], self._now_s(), self.limit)
            if plan.holders:
                return True
            if not plan.taking and not plan.expired:
                return False
            done = self._store.acquire(self._budget, taken if plan.taking else {}, plan.expired, self.limit)
            if done and plan.taking:
                return True
        raise InFlightContended(
            f"the in-flight permits of {self._budget} were taken by others {ACQUIRE_ATTEMPTS} times in a row"
        )

    def release(self, call_id: str) -> None:
        """Remove a call from the holders; may be repeated."""
        self._store.release(self._budget, call_id)

    def _now_s(self) -> int:
        return self._epoch_us() // 1_000_000


class CallEntrance:
    """The in-flight permit of one call, as its turns ask for it (`limiter.runner.Entrance`)."""

    def __init__(self, in_flight: InFlight, call_id: str) -> None:
        self._in_flight = in_flight
        self._call_id = call_id

    def has_room(self) -> bool:
        """Return whether it could be taken now, or is held already."""
        holders = self._in_flight.holders()
        return self._call_id in holders or len(holders) < self._in_flight.limit

    def enter(self) -> bool:
        """Take it; True where the call holds it then."""
        return self._in_flight.acquire(self._call_id)
