"""The budgets of a running function, on the table that the stack bound to its environment."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Final

from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.measured import Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.reservation_store import DynamoReservationStore
from headway_lane.limiter.runner import OPEN, Entrance
from headway_lane.limiter.turn import Turn, Turns, Unpaced
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting


@cache
def store() -> DynamoReservationStore:
    """Return this worker's store of reservations."""
    return DynamoReservationStore(aws.table(setting(Environment.BUDGETS_TABLE)))


def budgets(scope: Scope) -> Callable[[Vendor, Tuning], Budget | None]:
    """Return what gives a vendor's budget of a scope under a tuning."""

    def budget(vendor: Vendor, tuning: Tuning) -> Budget | None:
        return budget_of(store(), vendor, scope, tuning, clock.epoch_us, clock.sleep_us)

    return budget


_SAMPLES: Final[defaultdict[str, Samples]] = defaultdict(Samples)
"""What this worker has measured and not written down yet, by budget."""


def turns_of(
    vendor: Vendor, tuning: Tuning, scope: Scope, call_id: str, permit: Permit | None = None, entrance: Entrance = OPEN
) -> Turns:
    """Return the turns of one call with its in-flight permit; one that no limit counts has none to wait for."""
    budget = budget_of(store(), vendor, scope, tuning, clock.epoch_us, clock.sleep_us)
    if budget is None:
        return Unpaced()
    samples = _SAMPLES[budget.changes.name]
    return Turn(budget, permit, clock.epoch_us, clock.sleep_us, samples=samples, call=call_id, entrance=entrance)
