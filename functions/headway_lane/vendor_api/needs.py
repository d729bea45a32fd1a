"""What calling the vendor takes: the proxy, the API token, and a turn."""

from headway_lane.contract.limits import Scope
from headway_lane.contract.needs import KNOWING_THE_TUNING
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.needs import RESERVING
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, Needs, Resource, may, reads

INVOKE = "execute-api:Invoke"


def authenticating(vendor: Vendor) -> Needs:
    """Return the way to the proxy, with the vendor's token where it wants one; the path comes on top."""
    token = reads(Environment.API_TOKEN_SECRET) | may(Resource.API_TOKEN, READ_SECRET)
    return reads(Environment.PROXY_URL) | token.where(vendor.credential is not None)


def taking_turns(vendor: Vendor, scope: Scope) -> Needs:
    """Return what turns of a scope take; where no limit counts it, nothing is reserved."""
    return KNOWING_THE_TUNING | RESERVING.where(bool(vendor.limits_of(scope)))


def path(resource: Resource) -> Needs:
    """Return what one path of the vendor takes."""
    return may(resource, INVOKE)
