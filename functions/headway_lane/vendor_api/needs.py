"""What calling the vendor takes: the proxy, the API token, and a turn."""

from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.needs import RESERVING
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, Needs, Resource, may, reads

INVOKE = "execute-api:Invoke"


def calling_the_vendor(vendor: Vendor) -> Needs:
    """Return what every call takes; the path comes on top."""
    token = reads(Environment.API_TOKEN_SECRET) | may(Resource.API_TOKEN, READ_SECRET)
    return RESERVING | reads(Environment.PROXY_URL) | token.where(vendor.credential is not None)


def path(resource: Resource) -> Needs:
    """Return what one path of the vendor takes."""
    return may(resource, INVOKE)
