"""Caller function (hop 6). In: one call from `dispatch_call`. Out: its outcome as data."""

from collections import Counter
from functools import cache
from typing import Any, Final

import boto3
import httpx
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.caller.call import Caller, CallInput, CallOutcome
from functions.contract.profile import AppConfigProfiles
from functions.ledger.settlement import Settler
from functions.ledger.tables import ledger
from functions.names import Environment, Metric, ProxyAuth
from functions.observability import logger, publish
from functions.proxy import client_for, proxy_of
from functions.settings import setting

METRICS: Final = {
    CallOutcome.ACCEPTED: Metric.CALLS_ACCEPTED,
    CallOutcome.DEFERRED: Metric.CALLS_THROTTLED,
    CallOutcome.REJECTED: Metric.CALLS_REJECTED,
    CallOutcome.DUPLICATE: Metric.CALLS_DUPLICATE,
}


@cache
def profiles() -> AppConfigProfiles:
    """Return this worker's view of AppConfig."""
    return AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))


@cache
def http_client() -> httpx.Client:
    """Return this worker's client of the proxy."""
    return client_for(setting(Environment.PROXY_URL), ProxyAuth(setting(Environment.PROXY_AUTH)))


@cache
def settler() -> Settler:
    """Return this worker's settler of waiting tasks."""
    return Settler(ledger(), boto3.client("stepfunctions"))


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make one call to the vendor."""
    del context
    vendor = profiles().vendor(setting(Environment.VENDOR))
    proxy = proxy_of(http_client(), vendor.credential)
    caller = Caller(vendor, ledger(), settler(), proxy, setting(Environment.CALLBACK_URL))
    report = caller.call(CallInput(**event))
    logger().info("call made", call_id=event["call_id"], outcome=report.outcome, job_id=report.job_id)
    publish(vendor.name, Counter({METRICS[report.outcome]: 1}))
    return report.to_json()
