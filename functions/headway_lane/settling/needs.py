"""What the functions need that only settle: rejection, and joining of the direct way."""

from headway_lane.contract.needs import LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import MOVING_CALLS
from headway_lane.limiter.needs import counting_in_flight
from headway_lane.messages.needs import DEAD_LETTERING_REQUESTS
from headway_lane.resume.needs import FAILING_TASKS, settling
from headway_lane.runtime.needs import LambdaEntry


def rejection(vendor: Vendor) -> LambdaEntry:
    """Return the function that fails a call for good."""
    needs = LANE | MOVING_CALLS | counting_in_flight(vendor) | DEAD_LETTERING_REQUESTS | FAILING_TASKS
    return LambdaEntry("settling.handler.reject", needs)


def joining(vendor: Vendor) -> LambdaEntry:
    """Return the function that settles what was answered before its job ID was known."""
    return LambdaEntry("settling.handler.join", LANE | settling(vendor))
