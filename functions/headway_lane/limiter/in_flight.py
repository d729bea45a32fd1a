"""Seats (hop 4): how many jobs of a vendor are in flight, where its contract limits them.

A call takes a seat before its permit, and keeps it until the vendor's last word on its job. All seats of a vendor are
one map, call ID -> when the seat expires, which one conditional write changes only where no more than the limit are
taken afterwards. So no crash, repeat or race can take one seat too many: what was read is never trusted. Expired seats
count like all others until somebody who finds the map full purges them, so that the limit rests on no clock; a clock
that runs ahead by more than the margin of `seat_expiry_s` could only purge a seat too early.

A seat is given back by removing its key, which a second time changes nothing: exactly once by construction.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from headway_lane.runtime.errors import RetryLater

ATTEMPTS: Final = 12
"""A write is refused only where somebody else's went through in between: a dozen in a row want a crowd."""
PURGE_LIMIT: Final = 25
"""Expired seats that one write removes: with a batch's own the expressions stay below DynamoDB's 4 KB."""

Seated = Mapping[str, int]
"""Call ID -> epoch second at which its seat expires."""


class SeatsContended(RetryLater):
    """Too many took seats at the same time; who has one is not known."""


class SeatStore(Protocol):
    """Where seats are kept; every change is one conditional write."""

    def open(self, budget: str) -> None:
        """Make the map of a budget, without a seat, where there is none."""
        ...

    def read(self, budget: str) -> Seated | None:
        """Return all seats of a budget, expired ones too, read consistently; None where nobody has opened it."""
        ...

    def take(self, budget: str, taken: Seated, expired: Seated, limit: int) -> bool:
        """Give seats to the calls in `taken` and remove `expired` ones, which may be of the same calls.

        False, and nothing is changed, where more than `limit` seats would be taken afterwards, a call has a seat
        already that is not in `expired`, an expired one is not as given here, or nobody has opened the budget. With
        nothing in `taken` the limit is not looked at.
        """
        ...

    def leave(self, budget: str, call_id: str) -> None:
        """Remove the seat of a call; nothing happens where it has none."""
        ...


def seat_budget(vendor_name: str) -> str:
    """Return the key of a vendor's seats, `replicate#in_flight`."""
    return f"{vendor_name}#in_flight"


class Draft(NamedTuple):
    """What to do about a batch of calls: who sits already, who may sit down, and which seats go for it."""

    seated: frozenset[str]
    taking: tuple[str, ...]
    expired: Seated


def draft(held: Seated, call_ids: Collection[str], now_s: int, limit: int) -> Draft:
    """Seat the first of `call_ids` as far as the limit goes, expired seats out of the way.

    Expired seats are removed only where the seats are needed: a limit that is never reached never has to purge.
    """
    running = {call_id for call_id, until_s in held.items() if until_s > now_s}
    seated = frozenset(call_id for call_id in call_ids if call_id in running)
    waiting = [call_id for call_id in dict.fromkeys(call_ids) if call_id not in running]
    taking = tuple(waiting[: max(0, limit - len(running))])
    if not taking:
        return Draft(seated, (), {})
    own = {call_id: held[call_id] for call_id in taking if call_id in held}
    stale = {call_id: until_s for call_id, until_s in held.items() if call_id not in running and call_id not in own}
    lacking = max(0, len(held) - len(own) + len(taking) - limit)
    if lacking > PURGE_LIMIT:  # a limit that was lowered: first they have to go, in several writes
        return Draft(seated, (), dict(list(stale.items())[:PURGE_LIMIT]))
    return Draft(seated, taking, own | dict(list(stale.items())[:lacking]))


class Taken(NamedTuple):
    """Which calls of a batch have a seat, and which of them had none before."""

    seated: frozenset[str]
    new: frozenset[str]


class Seats:
    """The seats of one vendor, shared by its dispatchers."""

    def __init__(
        self, store: SeatStore, vendor_name: str, limit: int, expiry_s: int, epoch_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._budget = seat_budget(vendor_name)
        self._limit = limit
        self._expiry_s = expiry_s
        self._epoch_us = epoch_us
        self._was_full = False

    def take(self, call_ids: Sequence[str]) -> Taken:
        """Seat the first of the calls, as many as there is room for; raises SeatsContended.

        One write for all where there is room. A call that has a seat keeps it, with its expiry. After a refusal the map
        is read before it is written again.
        """
        if not self._was_full and self._store.take(self._budget, self._until(call_ids), {}, self._limit):
            return Taken(frozenset(call_ids), frozenset(call_ids))
        for _ in range(ATTEMPTS):
            held = self._store.read(self._budget)
            if held is None:
                self._store.open(self._budget)
                held = {}
            plan = draft(held, call_ids, self._now_s(), self._limit)
            self._was_full = len(plan.seated) + len(plan.taking) < len(set(call_ids))
            if not plan.taking and not plan.expired:
                return Taken(plan.seated, frozenset())
            done = self._store.take(self._budget, self._until(plan.taking), plan.expired, self._limit)
            if done and plan.taking:
                return Taken(plan.seated | frozenset(plan.taking), frozenset(plan.taking))
        raise SeatsContended(f"the seats of {self._budget} were taken by others {ATTEMPTS} times in a row")

    def leave(self, call_id: str) -> None:
        """Give the seat of a call back; may be repeated."""
        self._store.leave(self._budget, call_id)

    def _until(self, call_ids: Sequence[str]) -> Seated:
        return dict.fromkeys(call_ids, self._now_s() + self._expiry_s)

    def _now_s(self) -> int:
        return self._epoch_us() // 1_000_000
