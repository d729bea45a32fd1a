"""What settling a waiting task takes."""

from typing import Final

from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import JOINING_JOBS, MOVING_CALLS
from headway_lane.limiter.needs import counting_in_flight
from headway_lane.runtime.needs import Needs, Resource, may

FAILING_TASKS: Final = may(Resource.WAITING_TASKS, "states:SendTaskFailure")
ASKING_TASKS: Final = may(Resource.WAITING_TASKS, "states:SendTaskHeartbeat")
ANSWERING_TASKS: Final = may(
    Resource.WAITING_TASKS, "states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"
)


def settling(vendor: Vendor) -> Needs:
    """Return what handing over an answer takes, with the in-flight permit that it frees."""
    return MOVING_CALLS | JOINING_JOBS | ANSWERING_TASKS | counting_in_flight(vendor)
