"""Numbers the calls of a run, so that each is found again in the next one, and strikes where a fault is due."""

from collections import Counter
from collections.abc import Callable

from tests.matrix.faults import KILLS, Call, Fault, Killed, Kind
from tests.matrix.world import World


class Invocation:
    """One running function; once it is dead, nothing that it does has an effect."""

    def __init__(self, function: str, deadline_us: int) -> None:
        self.function = function
        self.deadline_us = deadline_us
        self.dead = False
        self.submitted = False
        """Whether a submit of it has reached the vendor's door, or has been on its way there."""

    def alive(self) -> None:
        """Raise Killed in a dead one."""
        if self.dead:
            raise Killed

    def die(self) -> Killed:
        """Be dead from now on."""
        self.dead = True
        return Killed()


class Recording:
    """The calls of a run in their order, and the fault that is due in it, if any. `struck` is told when it
    strikes, with the effect of the call done or not.
    """

    def __init__(self, world: World, fault: Fault | None, struck: Callable[[Fault, Invocation], None]) -> None:
        self._world = world
        self.calls: list[Call] = []
        self.fault = fault
        self.running: list[Invocation] = []
        self._struck = struck
        self._counts: Counter[tuple[str, str, str]] = Counter()

    @property
    def invocation(self) -> Invocation | None:
        """The function that is running; None where a state machine calls a service by itself."""
        return self.running[-1] if self.running else None

    def numbered(self, operation: str, resource: str) -> Call | None:
        """Note a call of the running function."""
        if self.invocation is None:
            return None
        kind = (self.invocation.function, operation, resource)
        self._counts[kind] += 1
        call = Call(*kind, self._counts[kind])
        self.calls.append(call)
        self._world.note(str(call))
        return call

    def kind_at(self, call: Call | None) -> Kind | None:
        """Return how a call fails, if it does."""
        return self.fault.kind if self.fault and call == self.fault.call else None

    def strike_before(self, kind: Kind | None) -> None:
        """Let a fault be known whose call has no effect; kill where it says so."""
        if kind in (Kind.UNREACHED, Kind.THROTTLED, Kind.KILLED_BEFORE):
            self._strike(kind)

    def strike_after(self, kind: Kind | None) -> None:
        """The same behind the effect."""
        if kind in (Kind.LOST, Kind.LOST_FOR_GOOD, Kind.KILLED_AFTER):
            self._strike(kind)

    def _strike(self, kind: Kind) -> None:
        if self.fault is None or self.invocation is None:
            return
        self._world.note(f"  {kind}")
        self._struck(self.fault, self.invocation)
        if kind in KILLS:
            raise self.invocation.die()
