"""Caller function (hop 6). In: one call from `dispatch_call`. Out: its outcome as data."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.caller.call import Caller, WayBack, WayOut
from headway_lane.caller.invocation import CallInput, CallOutcome, CallReport
from headway_lane.caller.newer import requeued
from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.measured import Sample
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.in_flight_tables import entrance_of
from headway_lane.limiter.turn import Unpaced
from headway_lane.runtime import clock
from headway_lane.runtime.errors import NewerFormat
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.runtime.warm_up import WARM_UP, warm_up_s
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.verification.keys import webhook_keys

METRICS: Final = {
    CallOutcome.ACCEPTED: Metric.CALLS_ACCEPTED,
    CallOutcome.DEFERRED: Metric.CALLS_THROTTLED,
    CallOutcome.UNREADY: Metric.CALLS_UNREADY,
    CallOutcome.REJECTED: Metric.CALLS_REJECTED,
    CallOutcome.DUPLICATE: Metric.CALLS_DUPLICATE,
    CallOutcome.EXPIRED: Metric.CALLS_EXPIRED,
    CallOutcome.NEWER: Metric.FORMATS_NEWER,
}


def way_out_of(vendor: Vendor, call_id: str, permit: Permit | None) -> WayOut:
    """Return the way to the vendor, with turns by the pacing that the contract asks for. A call that has to be looked
    up takes turns of polls under either pacing.
    """
    paced, entrance = vendor.dispatch.pacing is not Pacing.DELAY, entrance_of(vendor, call_id)
    return WayOut(
        vendor=vendor,
        proxy=way_out.proxy(vendor),
        turns=way_out.turns(vendor, Scope.SUBMIT, call_id, permit, entrance) if paced else Unpaced(),
        poll_turns=way_out.turns(vendor, Scope.POLL, call_id) if vendor.submit.lookup else Unpaced(),
        callback_url=setting(Environment.CALLBACK_URL) if vendor.submit.callback_url else "",
        callback_key=webhook_keys(vendor.callbacks().verification)[0] if vendor.submit.callback_key else None,
    )


def way_back_of(vendor: Vendor) -> WayBack:
    """Return where calls of the vendor are written down, wait, and are settled."""
    checks = worker.results_queue() if vendor.poll else None
    return WayBack(worker.ledger(), worker.settler(), worker.claims(), worker.request_queues(), checks)


def call(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make one call to the vendor, or leave it to newer code; or be warmed up."""
    held_s = warm_up_s(event)
    if held_s is not None:
        return _warmed(held_s)
    vendor, counts, times = worker.vendor(), Counter[Metric](), list[Sample]()
    try:
        report = _made(vendor, CallInput.from_event(event, context.aws_request_id), counts, times)
    except NewerFormat as newer:
        note(counts, newer)
        report = requeued(event, vendor.name, worker.ledger(), worker.request_queues(), newer)
    publish(vendor.name, counts, times_ms(times))
    return report.to_json()


def _warmed(held_s: float) -> dict[str, Any]:
    """Build what a worker keeps, and the connections to the proxy and to the ledger."""
    vendor = worker.vendor()
    way_out_of(vendor, WARM_UP, None).proxy.connect_ahead()
    way_back_of(vendor).ledger.find(WARM_UP)
    clock.sleep_s(held_s)
    return {}


def times_ms(times: Sequence[Sample]) -> dict[Metric, list[float]]:
    """Return what lay between slot, socket and answer as metrics, a value for each attempt that was answered."""
    return {
        Metric.SLOT_TO_SOCKET: [sample.left_us / 1_000 for sample in times],
        Metric.SOCKET_TO_ANSWER: [(sample.answered_us - sample.left_us) / 1_000 for sample in times],
    }


def _made(vendor: Vendor, request: CallInput, counts: Counter[Metric], times: list[Sample]) -> CallReport:
    """Make a call, count what became of it, and note its times. Raises NewerFormat."""
    caller = Caller(
        request,
        vendor,
        lambda: way_out_of(vendor, request.call_id, request.permit),
        way_back_of(vendor),
        epoch_s=clock.epoch_s,
        sleep_s=clock.sleep_s,
    )
    report = caller.call()
    missed_count, late_count, cold_count, full_count = (
        sum(getattr(turns, name) for turns in caller.turns)
        for name in ("missed_count", "late_count", "cold_count", "full_count")
    )
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
    if report.doubtful:
        counts[Metric.CALLS_DOUBTFUL] += 1
    counts[Metric.PERMITS_MISSED] += missed_count
    counts[Metric.PERMITS_MISSED_COLD] += cold_count
    counts[Metric.PERMITS_LATE] += late_count
    counts[Metric.IN_FLIGHT_FULL] += full_count
    for turns in caller.turns:
        counts.update(cool_down_counts(turns.cool_downs))
        times += turns.times
    return report
