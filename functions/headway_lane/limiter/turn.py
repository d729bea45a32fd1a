"""The turns of one call as a function takes them (hop 4): the core's, run to their end; or none that are counted."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from headway_lane.limiter.budget import Budget
from headway_lane.limiter.core.calling import CallTurns
from headway_lane.limiter.core.measured import Sample, Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.signals import Announced, CoolDown, Reason
from headway_lane.limiter.runner import OPEN, Entrance
from headway_lane.runtime.errors import RetryLater


class Turns(Protocol):
    """What a caller asks before every attempt. The counts, `times` and `cool_downs` say how it went."""

    @property
    def missed_count(self) -> int:
        """Permits that were not used."""

    @property
    def late_count(self) -> int:
        """Answers that came after the headroom."""

    @property
    def cold_count(self) -> int:
        """Permits that a worker missed which had just been started."""

    @property
    def full_count(self) -> int:
        """Whether jobs in flight kept the call waiting."""

    @property
    def times(self) -> Sequence[Sample]:
        """From slot to socket and to the answer, of each attempt that was answered."""

    @property
    def cool_downs(self) -> Counter[Reason]:
        """The cool-downs that this call has begun."""

    def take(self, ready: Callable[[], None] = lambda: None) -> None:
        """Return when the call may leave, at once. Shortly before, it is made `ready`. Raises RetryLater, and what
        `ready` raises.
        """

    def answered(self) -> None:
        """Tell that the vendor has answered, now."""

    def refused(self, cool_down: CoolDown) -> None:
        """Tell that the vendor wants nobody to call for a while."""

    def failed(self) -> None:
        """Tell that the vendor failed: 5xx, or no answer."""

    def announced(self, limits: Sequence[Announced]) -> None:
        """Tell which limits the vendor says it has."""

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Tell that the vendor answered and is well, and the cool-down that it asked for beside its answer."""

    def report(self) -> None:
        """Write what was told, when nothing of the call can be lost any more."""


class Unpaced:
    """The turns of calls that no budget counts, or that were paced before (plain pacing)."""

    missed_count = 0
    late_count = 0
    cold_count = 0
    full_count = 0
    times: Sequence[Sample] = ()

    def __init__(self) -> None:
        self.cool_downs: Counter[Reason] = Counter()

    def take(self, ready: Callable[[], None] = lambda: None) -> None:
        """Be ready, and return at once."""
        ready()

    def answered(self) -> None:
        """Do nothing: there is nobody to tell."""

    def refused(self, cool_down: CoolDown) -> None:
        """Do nothing: there is nobody to tell."""

    def failed(self) -> None:
        """Do nothing: there is nobody to tell."""

    def announced(self, limits: Sequence[Announced]) -> None:
        """Do nothing: there is nobody to tell."""

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Do nothing: there is nobody to tell."""

    def report(self) -> None:
        """Do nothing: there is nobody to tell."""


class NoTurns(Unpaced):
    """The turns of a call that must not leave, because nobody knows the pace."""

    def __init__(self, later: RetryLater) -> None:
        super().__init__()
        self._later = later

    def take(self, ready: Callable[[], None] = lambda: None) -> None:
        """Raise the reason. It is a RetryLater."""
        del ready
        raise self._later


class Turn:
    """The turns of one call that a budget counts; see `CallTurns`."""

    def __init__(
        self,
        budget: Budget,
        permit: Permit | None,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None],
        *,
        samples: Samples | None = None,
        call: str = "",
        entrance: Entrance = OPEN,
    ) -> None:
        self._turns = CallTurns(budget.changes, permit, epoch_us, samples, call)
        self._run = budget.runner(epoch_us, sleep_us, entrance).run

    @property
    def missed_count(self) -> int:
        """Permits that were not used."""
        return self._turns.missed_count

    @property
    def late_count(self) -> int:
        """Answers that came after the headroom."""
        return self._turns.late_count

    @property
    def cold_count(self) -> int:
        """Permits that a worker missed which had just been started."""
        return self._turns.cold_count

    @property
    def full_count(self) -> int:
        """Whether jobs in flight kept the call waiting."""
        return self._turns.full_count

    @property
    def times(self) -> Sequence[Sample]:
        """From slot to socket and to the answer, of each attempt that was answered."""
        return self._turns.times

    @property
    def cool_downs(self) -> Counter[Reason]:
        """The cool-downs that this call has begun."""
        return self._turns.cool_downs

    def take(self, ready: Callable[[], None] = lambda: None) -> None:
        """Return at a slot that holds. Raises RetryLater where it is too far away, or cannot be reserved."""
        self._run(self._turns.take(), ready)

    def answered(self) -> None:
        """Note an answer that came after the headroom."""
        self._turns.answered()

    def refused(self, cool_down: CoolDown) -> None:
        """Cool every caller of this budget down."""
        self._run(self._turns.refused(cool_down))

    def failed(self) -> None:
        """Count the failure at once."""
        self._run(self._turns.failed())

    def announced(self, limits: Sequence[Announced]) -> None:
        """Note which limits the vendor says it has."""
        self._turns.announced(limits)

    def succeeded(self, cool_down: CoolDown | None) -> None:
        """Note it; nothing is written before the answer itself is safe."""
        self._turns.succeeded(cool_down)

    def report(self) -> None:
        """Write what was told: floors behind late answers, the circuit, the vendor's last word."""
        self._run(self._turns.report())
