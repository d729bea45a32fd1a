"""Results function (hop 11). In: a job ID from `call_vendor`. Out: the vendor's result, or why there is none."""

import time
from collections import Counter
from functools import cache
from typing import Any

import httpx
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.contract.profile import AppConfigProfiles
from functions.contract.vendor import Scope
from functions.errors import FailTask
from functions.limiter.tables import turns_of
from functions.names import Environment, Metric, ProxyAuth
from functions.observability import brake_counts, logger, publish
from functions.proxy import client_for, proxy_of
from functions.results.fetch import fetch
from functions.settings import setting


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
    turns = turns_of(vendor, profiles().tuning(vendor), Scope.POLL)
    try:
        result = fetch(proxy_of(http_client(), vendor.credential), vendor, event["job_id"], turns, time.sleep)
    except FailTask as error:
        logger().warning("result rejected", call_id=event["call_id"], error_code=error.code)
        counted, answer = Metric.RESULTS_REJECTED, {"outcome": "rejected", "error": error.code, "cause": error.cause}
    else:
        counted, answer = Metric.RESULTS_FETCHED, {"outcome": "fetched", "result": result}
    finally:
        turns.report()
    publish(vendor.name, Counter({counted: 1}) + brake_counts(turns.brakes))
    return answer
