"""One budget's permits as a function uses them (hop 4): the core's changes, run to their end on a store.

One read and one conditional write reserve a whole batch.
"""

import math
import random
from collections.abc import Callable, Sequence

from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import POLL_HEADROOM_MS, Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget_name import budget_name
from headway_lane.limiter.core.changes import Changes, Late
from headway_lane.limiter.core.reservations import Permit, Reservations
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import LOOK, Entry, Steps
from headway_lane.limiter.runner import OPEN, Entrance, ReservationStore, Runner


class Budget:
    """The permits of one vendor and scope, shared by everybody who calls it."""

    def __init__(
        self,
        store: ReservationStore,
        changes: Changes,
        sleep_us: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.changes = changes
        self._store = store
        self._run = self.runner(changes.epoch_us, sleep_us).run

    def runner(self, epoch_us: Callable[[], int], sleep_us: Callable[[int], None], entrance: Entrance = OPEN) -> Runner:
        """Return what runs the core's steps on this budget by somebody's clock."""
        return Runner(self._store, self.changes, epoch_us, sleep_us, entrance)

    @property
    def rule(self) -> Rule:
        """Return the rule that permits are reserved under."""
        return self.changes.rule

    def reserve(self, count: int, lead_us: int, horizon_us: int | None = None) -> Sequence[Permit]:
        """Reserve `count` permits, as `Changes.reserving` says. Raises Contended."""
        return self._run(self.changes.reserve(count, lead_us, horizon_us))

    def answered(self, permit: Permit, answered_us: int) -> None:
        """Keep the calls of the next window away from one that may have arrived as late as its answer shows."""
        self._run(self.changes.answered([Late(permit, permit.slot_us, answered_us)]))

    def cool_down(self, duration_us: int, reason: Reason = Reason.HTTP_429) -> bool:
        """Let nobody call for `duration_us` from now. False where somebody else has asked for it already."""
        return self._run(self.changes.cool_down(duration_us, reason))

    def failed(self, permit: Permit, call: str) -> bool:
        """Count a call that the vendor failed. True where that opened the circuit, or opened it anew."""
        return self._run(self.changes.failed(permit, call))

    def succeeded(self, permit: Permit) -> None:
        """Forget the failures that were there at the last look; where there were none, nothing is read or written."""
        self._run(self.changes.succeeded(permit))

    def cancel(self, permits: Sequence[Permit]) -> None:
        """Free neighbouring permits that nobody will use."""
        self._run(self.changes.cancel(permits))

    def first_free_us(self) -> int:
        """Return the first slot that nobody has reserved."""
        return self.changes.first_free(self._run(_look())).slot_us

    def ask_again_us(self) -> int:
        """Return when whoever cannot wait for a slot does well to come back."""
        return self.changes.ask_again_us(self._run(_look()))

    def look(self) -> Reservations:
        """Return what is reserved now."""
        return self.changes.see(self._run(_look()))


def _look() -> Steps[Entry | None]:
    entry: Entry | None = yield LOOK
    return entry


def budget_of(
    store: ReservationStore,
    vendor: Vendor,
    scope: Scope,
    tuning: Tuning,
    epoch_us: Callable[[], int],
    sleep_us: Callable[[int], None],
) -> Budget | None:
    """Return the budget of a vendor's scope on a store; None where no limit counts its calls."""
    changes = changes_of(vendor, scope, tuning, epoch_us)
    return Budget(store, changes, sleep_us) if changes else None


def changes_of(
    vendor: Vendor,
    scope: Scope,
    tuning: Tuning,
    epoch_us: Callable[[], int],
    *,
    uniform: Callable[[], float] = random.random,
) -> Changes | None:
    """Return what may happen to the budget of a vendor's scope, `replicate#submit`; None where no limit counts it.

    The operator's ceiling is on submits: polls follow from them. Where a limit counts both, they share one budget,
    `replicate#calls`, under all limits of the vendor at once and the ceiling: one rule.
    """
    counted = vendor.budget_scope(scope)
    limits = vendor.limits_of(counted)
    if not limits:
        return None
    is_poll = counted is Scope.POLL
    headroom_ms, limit_ms = tuning.least_headroom_ms, tuning.headroom_limit_ms
    rule = rule_of(
        limits,
        (max(headroom_ms, POLL_HEADROOM_MS) if is_poll else headroom_ms) * 1_000,
        math.inf if is_poll else tuning.rate_per_s,
        tuning.skew_ms * 1_000,
        headroom_limit_us=limit_ms * 1_000,
        day_amount=None if is_poll else tuning.day_amount,
    )
    name = budget_name(vendor.name, counted)
    return Changes(name, rule, epoch_us, uniform, tuning.answers_prove_arrival)
