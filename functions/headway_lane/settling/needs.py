"""What the function needs that only settles: it rejects, requeues, and joins on the direct way."""

from headway_lane.contract.needs import LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import MOVING_CALLS
from headway_lane.limiter.needs import releasing_in_flight
from headway_lane.messages.needs import DEAD_LETTERING_REQUESTS, REQUEUEING
from headway_lane.resume.needs import FAILING_TASKS, settling
from headway_lane.runtime.needs import LambdaEntry


def settler(vendor: Vendor) -> LambdaEntry:
    """Return the function that settles without the way to the vendor."""
    rejecting = MOVING_CALLS | releasing_in_flight(vendor) | DEAD_LETTERING_REQUESTS | REQUEUEING
    joining = settling(vendor).where(vendor.dispatch.direct)
    return LambdaEntry("settling.handler.settle", LANE | rejecting | FAILING_TASKS | joining)
