"""What settling a waiting task takes."""

from typing import Final

from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import JOINING_JOBS, MOVING_CALLS
from headway_lane.limiter.needs import releasing_in_flight
from headway_lane.runtime.needs import Needs, Resource, may

RESUMING_TASKS: Final = may(Resource.WAITING_TASKS, "states:SendTaskSuccess")
FAILING_TASKS: Final = may(Resource.WAITING_TASKS, "states:SendTaskFailure")
BEATING_TASKS: Final = may(Resource.WAITING_TASKS, "states:SendTaskHeartbeat")
ANSWERING_TASKS: Final = RESUMING_TASKS | FAILING_TASKS | BEATING_TASKS


def settling(vendor: Vendor) -> Needs:
    """Return what handing over a good answer takes, with the in-flight permit that it frees."""
    return MOVING_CALLS | JOINING_JOBS | RESUMING_TASKS | releasing_in_flight(vendor)
