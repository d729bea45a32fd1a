"""What a worker keeps of its way to the vendor (hop 5), built like the rest of what it keeps in `worker.py`."""

from functools import cache

import httpx

from headway_lane import worker
from headway_lane.contract.limits import Scope
from headway_lane.contract.profile import TuningUnknown
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.runner import OPEN, Entrance
from headway_lane.limiter.tables import turns_of
from headway_lane.limiter.turn import NoTurns, Turns
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.proxy import Proxy, client_for, proxy_of


@cache
def http_client() -> httpx.Client:
    """Return the client of the proxy."""
    return client_for(setting(Environment.PROXY_URL))


def proxy(vendor: Vendor) -> Proxy:
    """Return the proxy, with the vendor's token as it is now."""
    return proxy_of(http_client(), vendor)


def turns(vendor: Vendor, scope: Scope, call_id: str, permit: Permit | None = None, entrance: Entrance = OPEN) -> Turns:
    """Return the turns of one call under the tuning as it is now; `permit` is for the first of them, `entrance` its
    in-flight permit. Where no tuning is known the call goes back to its queue when it asks for its turn.
    """
    try:
        tuning = worker.profiles().tuning(vendor)
    except TuningUnknown as unknown:
        return NoTurns(unknown)
    return turns_of(vendor, tuning, scope, call_id, permit, entrance)
