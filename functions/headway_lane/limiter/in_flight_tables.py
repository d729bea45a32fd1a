"""The seats of a running function, on the table that the stack bound where a contract limits jobs in flight."""

from functools import cache

from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.in_flight import Seats, seat_budget
from headway_lane.limiter.in_flight_store import DynamoSeatStore
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import bound, setting


@cache
def store() -> DynamoSeatStore:
    """Return this worker's store of seats."""
    return DynamoSeatStore(aws.table(setting(Environment.SEATS_TABLE)))


def seats_of(vendor: Vendor) -> Seats | None:
    """Return the seats of a vendor; None where its contract does not limit jobs in flight."""
    if vendor.jobs_in_flight is None:
        return None
    return Seats(store(), vendor.name, vendor.jobs_in_flight, vendor.seat_expiry_s, clock.epoch_us)


def leave(vendor_name: str, call_id: str) -> None:
    """Give the seat of a call back; may be repeated. No request where no contract here limits jobs in flight."""
    if bound(Environment.SEATS_TABLE):
        store().leave(seat_budget(vendor_name), call_id)
