"""Checks of jobs whose callback does not come (beside hop 10). In: a batch. Out: settled tasks, or checks for later."""

from collections import Counter
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.contract.exchange import Poll
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.messages.check import Check
from headway_lane.results.reconcile import CheckOutcome, Reconciler
from headway_lane.runtime import clock
from headway_lane.runtime.errors import NewerFormat
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.vendor_api.job_status import Finding, ask

METRICS: Final = {
    CheckOutcome.OVER: Metric.CHECKS_OVER,
    CheckOutcome.WAITING: Metric.CHECKS_WAITING,
    CheckOutcome.PENDING: Metric.CHECKS_PENDING,
    CheckOutcome.SETTLED: Metric.CHECKS_SETTLED,
    CheckOutcome.LOST: Metric.CHECKS_LOST,
}


def reconciler_of(vendor: Vendor, poll: Poll, counts: Counter[Metric]) -> Reconciler:
    """Return the reconciler of a vendor. Each question takes turns of its own, whose cool-downs go to `counts`."""

    def ask_vendor(job_id: str) -> Finding:
        turns = way_out.turns(vendor, Scope.POLL)
        try:
            return ask(way_out.proxy(vendor), poll, job_id, turns)
        finally:
            turns.report()
            counts.update(cool_down_counts(turns.cool_downs))

    return Reconciler(
        vendor,
        poll,
        worker.ledger(),
        worker.settler(),
        worker.checks(),
        ask=ask_vendor,
        epoch_s=clock.epoch_s,
    )


def check_all(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Make a batch of checks; only those that broke off come back."""
    vendor = worker.vendor()
    if vendor.poll is None:
        raise ValueError(f"{vendor.name} cannot be polled any more: its contract has lost `poll` since the deployment")
    counts: Counter[Metric] = Counter()
    reconciler = reconciler_of(vendor, vendor.poll, counts)

    def check_record(record: SQSRecord) -> None:
        try:
            due = Check.from_body(record.body)
            outcome = reconciler.reconcile(due)
        except NewerFormat as newer:
            worker.checks().requeue(record.body, newer)
            note(counts, newer)
            return
        counts[METRICS[outcome]] += 1
        logger().info("job checked", call_id=due.call_id, job_id=due.job_id, outcome=outcome)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, check_record, processor, context)
    publish(vendor.name, counts)
    return response
