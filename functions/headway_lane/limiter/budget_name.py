"""Names of budgets, the keys of the budgets table: whoever looks one up asks here. Pure."""

from headway_lane.contract.limits import Scope


def budget_name(vendor_name: str, scope: Scope) -> str:
    """Name the reservations of a vendor's scope, `replicate#submit`; `replicate#calls` where submits and polls share
    one budget (Scope.ANY).
    """
    return f"{vendor_name}#{'calls' if scope is Scope.ANY else scope}"


def in_flight_key(vendor_name: str) -> str:
    """Name the in-flight permits of a vendor, `replicate#in_flight`."""
    return f"{vendor_name}#in_flight"
