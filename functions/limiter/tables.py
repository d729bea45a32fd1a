"""The budgets of a running function, on the table that the stack bound to its environment."""

from collections.abc import Callable
from functools import cache

from functions import aws, clock
from functions.contract.vendor import Scope, Vendor
from functions.limiter.budget import Budget, budget_of
from functions.limiter.permits import Permit
from functions.limiter.store import DynamoBookStore
from functions.limiter.tuning import Tuning
from functions.limiter.turn import Turn, Turns, Unpaced
from functions.names import Environment
from functions.settings import setting


@cache
def store() -> DynamoBookStore:
    """Return this worker's store of books."""
    return DynamoBookStore(aws.table(setting(Environment.BUDGETS_TABLE)))


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
