"""Which limits of a contract can never be reached, because others are tighter: a sign of a slip. Arithmetic only."""

import math
from collections.abc import Iterator, Sequence

from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.vendor import Vendor


def unreachable(vendor: Vendor) -> Iterator[str]:
    """Say in words each limit that its calls or jobs stay below whatever they do."""
    for index, limit in enumerate(vendor.limits):
        others = [*vendor.limits[:index], *vendor.limits[index + 1 :]]
        if most_calls(others, limit.scope, limit.per_s) < limit.amount:
            yield f"{limit.amount} calls of scope `{limit.scope}` in {limit.per_s:g} s"
    jobs = vendor.jobs_in_flight
    if jobs is not None and most_calls(vendor.limits, Scope.SUBMIT, vendor.in_flight_expiry_s) < jobs:
        yield f"{jobs} jobs in flight"


def most_calls(limits: Sequence[Limit], scope: Scope, per_s: float) -> float:
    """Return the most calls of a scope that limits let into a half-open window; infinite where none counts them."""
    counting = [limit for limit in limits if limit.scope in (scope, Scope.ANY)]
    most = min((limit.amount * math.ceil(per_s / limit.per_s) for limit in counting), default=math.inf)
    if scope is Scope.ANY:
        return min(most, most_calls(limits, Scope.SUBMIT, per_s) + most_calls(limits, Scope.POLL, per_s))
    return most
