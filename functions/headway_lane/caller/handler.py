"""Caller function (hop 6). In: one call from `dispatch_call`. Out: its outcome as data."""

from collections import Counter
from functools import cache
from typing import Any, Final

import httpx
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput, CallOutcome
from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.contract.vendor import Pacing, Scope, Vendor
from headway_lane.ledger.tables import ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.limiter.reservations import Permit
from headway_lane.limiter.tables import turns_of
from headway_lane.limiter.turn import Turns, Unpaced
from headway_lane.messages.bucket import claims
from headway_lane.messages.check_queue import checks
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment, Metric, ProxyAuth
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.vendor_api.proxy import client_for, proxy_of
from headway_lane.verification.keys import webhook_keys

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
    return Settler(ledger(), TaskTokens(aws.step_functions()), in_flight_tables.release)


@cache
def request_queues() -> RequestQueues:
    """Return the queue where this worker's calls wait for a vendor in trouble."""
    return RequestQueues(aws.sqs())


def turns(vendor: Vendor, permit: Permit | None) -> Turns:
    """Return the turns of one call, by the pacing that the contract asks for."""
    if vendor.dispatch.pacing is Pacing.DELAY:
        return Unpaced()
    return turns_of(vendor, profiles().tuning(vendor), Scope.SUBMIT, permit)


def poll_turns(vendor: Vendor) -> Turns:
    """Return the turns of one call that has to be looked up, which polls take under either pacing."""
    return turns_of(vendor, profiles().tuning(vendor), Scope.POLL) if vendor.submit.lookup else Unpaced()


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make one call to the vendor."""
    del context
    vendor = profiles().vendor(setting(Environment.VENDOR))
    request = CallInput.from_event(event)
    its_turns, its_poll_turns = turns(vendor, request.permit), poll_turns(vendor)
    out = WayOut(
        vendor=vendor,
        proxy=proxy_of(http_client(), vendor),
        turns=its_turns,
        poll_turns=its_poll_turns,
        callback_url=setting(Environment.CALLBACK_URL),
        callback_key=webhook_keys(vendor.name)[0] if vendor.submit.callback_key else None,
    )
    back = WayBack(ledger(), settler(), claims(), request_queues(), checks() if vendor.poll else None)
    report = Caller(request, out, back, epoch_s=clock.epoch_s, sleep_s=clock.sleep_s).call()
    logger().info(
        "call made",
        call_id=request.call_id,
        outcome=report.outcome,
        job_id=report.job_id,
        missed_count=its_turns.missed_count,
        late_count=its_turns.late_count,
    )
    counts = Counter({METRICS[report.outcome]: 1})
    counts[Metric.PERMITS_MISSED] += its_turns.missed_count
    counts[Metric.PERMITS_LATE] += its_turns.late_count
    counts.update(cool_down_counts(its_turns.cool_downs + its_poll_turns.cool_downs))
    publish(vendor.name, counts)
    return report.to_json()
