"""The budgets of a running function, on the table that the stack bound to its environment."""

from collections.abc import Callable
from functools import cache

from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.reservation_store import DynamoReservationStore
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


def turns_of(vendor: Vendor, tuning: Tuning, scope: Scope, permit: Permit | None = None) -> Turns:
    """Return the turns of one call; a call that no limit counts has none to wait for."""
    budget = budget_of(store(), vendor, scope, tuning, clock.epoch_us, clock.sleep_us)
    if budget is None:
        return Unpaced()
    return Turn(budget, permit, clock.epoch_us, clock.sleep_us, tuning.answers_prove_arrival)
