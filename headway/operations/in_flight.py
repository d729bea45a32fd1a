"""Jobs that a vendor works on, by the in-flight permits that its calls hold."""

from headway_lane.limiter.budget_name import in_flight_key
from headway_lane.limiter.in_flight_store import DynamoInFlightStore

from headway.deployment.connection import Connection


def jobs_in_flight_count(connection: Connection, vendor_name: str, now_s: float) -> int:
    """Count the in-flight permits of a vendor that have not expired at an epoch second, read consistently."""
    store = DynamoInFlightStore(connection.target.table(connection.stage.lanes[vendor_name].budgets_table))
    holders = store.read(in_flight_key(vendor_name)) or {}
    return sum(until_s > now_s for until_s in holders.values())
