"""Running the pacing core in a function (hop 4): its steps with a store, a clock and real sleeps."""

from collections.abc import Callable
from typing import Final, Protocol

from headway_lane.limiter.core.changes import Changes
from headway_lane.limiter.core.steps import (
    LOST,
    UNREAD,
    AwaitSlot,
    Change,
    Enter,
    Entry,
    Look,
    LookForRoom,
    Ready,
    Sight,
    Sleep,
    Steps,
    T,
)


class Entrance(Protocol):
    """The in-flight permit of one call."""

    def has_room(self) -> bool:
        """Return whether it could be taken now, or is held already."""
        ...

    def enter(self) -> bool:
        """Take it; True where the call holds it then."""
        ...


class OpenEntrance:
    """Of a vendor that takes as many jobs as there are."""

    def has_room(self) -> bool:
        """Return True."""
        return True

    def enter(self) -> bool:
        """Return True."""
        return True


OPEN: Final = OpenEntrance()


class ReservationStore(Protocol):
    """Where reservations are kept; `write` is conditional on the version that was read."""

    def read(self, budget: str) -> Entry | None:
        """Return the entry of a budget, read consistently; None before its first use."""
        ...

    def write(self, budget: str, entry: Entry) -> bool:
        """Store an entry if the stored version is the one before it. False where it is not."""
        ...


class Runner:
    """Runs steps on one budget of a store, by one clock; `sleep_us` blocks. `entrance` is that of the call whose turns
    these are, where jobs in flight are limited.
    """

    def __init__(
        self,
        store: ReservationStore,
        changes: Changes,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
        entrance: Entrance = OPEN,
    ) -> None:
        self._entrance = entrance
        self._store = store
        self._changes = changes
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us

    def run(self, steps: Steps[T], ready: Callable[[], None] = lambda: None) -> T:
        """Run steps to their end; return what they return, and raise what they, or `ready`, raise."""
        answer: object = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            match step:
                case Look():
                    answer = self._read()
                case Change():
                    answer = self._change(step)
                case Sleep():
                    self._sleep_until(step.until_us)
                    answer = None
                case Ready():
                    ready()
                    answer = None
                case LookForRoom():
                    answer = self._entrance.has_room()
                case Enter():
                    answer = self._entrance.enter()
                case AwaitSlot():
                    answer = self._await_slot(step)

    def _read(self) -> Entry | None:
        return self._store.read(self._changes.name)

    def _change(self, change: Change) -> object:
        entry = self._read() if change.seen is UNREAD else change.seen
        after, result = change.decide(entry, self._epoch_us())  # type: ignore[arg-type]  # UNREAD was read
        if after is None or self._store.write(self._changes.name, after):
            return result
        return LOST

    def _sleep_until(self, until_us: int) -> None:
        ahead_us = until_us - self._epoch_us()
        if ahead_us > 0:
            self._sleep_us(ahead_us)

    def _await_slot(self, awaited: AwaitSlot) -> Sight:
        waited = False
        while True:
            entry = self._read()
            at_us = self._changes.reservable_us(entry, awaited.horizon_us, awaited.share)
            ahead_us = at_us - self._epoch_us()
            if ahead_us <= 0 or ahead_us > awaited.longest_us or at_us > awaited.latest_us:
                return Sight(entry, at_us, waited)
            self._sleep_us(ahead_us)
            waited = True
