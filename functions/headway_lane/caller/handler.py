"""Caller function (hop 6). In: one call from `dispatch_call`. Out: its outcome as data."""

from collections import Counter
from typing import Any, Final

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput, CallOutcome, CallReport
from headway_lane.caller.newer import requeued
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime import clock
from headway_lane.runtime.errors import NewerFormat
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.verification.keys import webhook_keys

METRICS: Final = {
    CallOutcome.ACCEPTED: Metric.CALLS_ACCEPTED,
    CallOutcome.DEFERRED: Metric.CALLS_THROTTLED,
    CallOutcome.REJECTED: Metric.CALLS_REJECTED,
    CallOutcome.DUPLICATE: Metric.CALLS_DUPLICATE,
    CallOutcome.EXPIRED: Metric.CALLS_EXPIRED,
    CallOutcome.NEWER: Metric.FORMATS_NEWER,
}


def way_out_of(vendor: Vendor, permit: Permit | None) -> WayOut:
    """Return the way to the vendor, with turns by the pacing that the contract asks for. A call that has to be looked
    up takes turns of polls under either pacing.
    """
    paced = vendor.dispatch.pacing is not Pacing.DELAY
    return WayOut(
        vendor=vendor,
        proxy=way_out.proxy(vendor),
        turns=way_out.turns(vendor, Scope.SUBMIT, permit) if paced else Unpaced(),
        poll_turns=way_out.turns(vendor, Scope.POLL) if vendor.submit.lookup else Unpaced(),
        callback_url=setting(Environment.CALLBACK_URL) if vendor.submit.callback_url else "",
        callback_key=webhook_keys(vendor.callbacks().verification)[0] if vendor.submit.callback_key else None,
    )


def way_back_of(vendor: Vendor) -> WayBack:
    """Return where calls of the vendor are written down, wait, and are settled."""
    checks = worker.checks() if vendor.poll else None
    return WayBack(worker.ledger(), worker.settler(), worker.claims(), worker.request_queues(), checks)


def call(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make one call to the vendor, or leave it to newer code."""
    del context
    vendor, counts = worker.vendor(), Counter[Metric]()
    try:
        report = _made(vendor, CallInput.from_event(event), counts)
    except NewerFormat as newer:
        note(counts, newer)
        report = requeued(event, vendor.name, worker.ledger(), worker.request_queues(), newer)
    publish(vendor.name, counts)
    return report.to_json()


def _made(vendor: Vendor, request: CallInput, counts: Counter[Metric]) -> CallReport:
    """Make a call and count what became of it. Raises NewerFormat."""
    out = way_out_of(vendor, request.permit)
    report = Caller(request, out, way_back_of(vendor), epoch_s=clock.epoch_s, sleep_s=clock.sleep_s).call()
    missed_count, late_count = out.turns.missed_count, out.turns.late_count
    logger().info(
        "call made",
        call_id=request.call_id,
        outcome=report.outcome,
        error=report.error,
        job_id=report.job_id,
        missed_count=missed_count,
        late_count=late_count,
    )
    counts[METRICS[report.outcome]] += 1
    counts[Metric.PERMITS_MISSED] += missed_count
    counts[Metric.PERMITS_LATE] += late_count
    counts.update(cool_down_counts(out.turns.cool_downs + out.poll_turns.cool_downs))
    return report
