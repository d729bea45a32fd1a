"""What pacing takes: the reservations of a budget, and the in-flight permits of a vendor that has them."""

from typing import Final

from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import Needs, Resource, may, reads

RESERVING: Final = may(Resource.BUDGETS, "dynamodb:GetItem", "dynamodb:PutItem")
"""Reservations are written whole, over the version that was read."""
RELEASING_IN_FLIGHT: Final = reads(Environment.IN_FLIGHT_TABLE) | may(Resource.BUDGETS, "dynamodb:UpdateItem")
"""Holders are changed key by key."""
ACQUIRING_IN_FLIGHT: Final = RELEASING_IN_FLIGHT | may(Resource.BUDGETS, "dynamodb:GetItem")
"""Who acquires sees first who holds one."""
SEEING_IN_FLIGHT: Final = reads(Environment.IN_FLIGHT_TABLE) | may(Resource.BUDGETS, "dynamodb:GetItem")


def releasing_in_flight(vendor: Vendor) -> Needs:
    """Return what giving an in-flight permit back takes; nothing where the contract does not limit them."""
    return RELEASING_IN_FLIGHT.where(vendor.jobs_in_flight is not None)


def acquiring_in_flight(vendor: Vendor) -> Needs:
    """Return what taking one, and giving it back, takes; nothing where the contract does not limit them."""
    return ACQUIRING_IN_FLIGHT.where(vendor.jobs_in_flight is not None)


def seeing_in_flight(vendor: Vendor) -> Needs:
    """Return what seeing who holds one takes; nothing where the contract does not limit them."""
    return SEEING_IN_FLIGHT.where(vendor.jobs_in_flight is not None)
