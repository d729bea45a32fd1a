"""The in-flight permits of a running function, on the table that the stack bound where a contract limits jobs in
flight.
"""

from functools import cache

from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget_name import in_flight_key
from headway_lane.limiter.in_flight import CallEntrance, InFlight
from headway_lane.limiter.in_flight_store import DynamoInFlightStore
from headway_lane.limiter.runner import OPEN, Entrance
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import bound, setting


@cache
def store() -> DynamoInFlightStore:
    """Return this worker's store of in-flight permits."""
    return DynamoInFlightStore(aws.table(setting(Environment.IN_FLIGHT_TABLE)))


def in_flight_of(vendor: Vendor) -> InFlight | None:
    """Return the in-flight permits of a vendor; None where its contract does not limit jobs in flight."""
    if vendor.jobs_in_flight is None:
        return None
    return InFlight(store(), vendor.name, vendor.jobs_in_flight, vendor.in_flight_expiry_s, clock.epoch_us)


def entrance_of(vendor: Vendor, call_id: str) -> Entrance:
    """Return the in-flight permit of a call; one that is always there where the contract does not limit them."""
    in_flight = in_flight_of(vendor)
    return CallEntrance(in_flight, call_id) if in_flight else OPEN


def release(vendor_name: str, call_id: str) -> None:
    """Release the in-flight permit of a call; may be repeated. No request where no contract limits them."""
    if bound(Environment.IN_FLIGHT_TABLE):
        store().release(in_flight_key(vendor_name), call_id)
