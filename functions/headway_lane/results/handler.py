"""Results function (hop 11). In: a job ID from `call_vendor`. Out: the vendor's result, or why there is none."""

import time
from functools import cache
from typing import Any

import httpx
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Scope
from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.limiter.tables import turns_of
from headway_lane.messages.bucket import claims
from headway_lane.results.fetch import fetch
from headway_lane.results.outcome import outcome
from headway_lane.runtime.names import Environment, ProxyAuth
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.proxy import client_for, proxy_of


@cache
def profiles() -> AppConfigProfiles:
    """Return this worker's view of AppConfig."""
    return AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))


@cache
def http_client() -> httpx.Client:
    """Return this worker's client of the proxy."""
    return client_for(setting(Environment.PROXY_URL), ProxyAuth(setting(Environment.PROXY_AUTH)))


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fetch one result."""
    del context
    vendor = profiles().vendor(setting(Environment.VENDOR))
    place = vendor.result
    if not isinstance(place, Fetched):
        raise TypeError(f"{vendor.name}'s results are not fetched any more: deploy the stack for its changed contract")
    turns = turns_of(vendor, profiles().tuning(vendor), Scope.POLL)

    def get() -> Any:
        proxy = proxy_of(http_client(), vendor)
        return fetch(proxy, vendor.name, place, event["job_id"], turns, time.sleep)

    return outcome(vendor.name, event["call_id"], get, claims(), turns)
