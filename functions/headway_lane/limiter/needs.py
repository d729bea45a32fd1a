"""What pacing takes: the reservations of a budget, and the in-flight permits of a vendor that has them."""

from typing import Final

from headway_lane.contract.needs import KNOWING_THE_CONTRACT, KNOWING_THE_TUNING
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import Needs, Resource, may, reads

RESERVING: Final = (
    KNOWING_THE_CONTRACT | KNOWING_THE_TUNING | may(Resource.BUDGETS, "dynamodb:GetItem", "dynamodb:PutItem")
)
"""Reservations are written whole, over the version that was read."""
COUNTING_IN_FLIGHT: Final = reads(Environment.IN_FLIGHT_TABLE) | may(Resource.BUDGETS, "dynamodb:UpdateItem")
"""Holders are changed key by key."""


def counting_in_flight(vendor: Vendor) -> Needs:
    """Return what acquiring and releasing in-flight permits takes; nothing where the contract does not limit them."""
    return COUNTING_IN_FLIGHT.where(vendor.jobs_in_flight is not None)
