"""Reconciler function (beside hop 10). In: a batch of checks. Out: settled tasks, or the same checks for later."""

from collections import Counter
from functools import cache
from typing import Any, Final

import httpx
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.contract.vendor import Scope
from headway_lane.ledger.tables import ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.limiter.tables import turns_of
from headway_lane.messages.check import Check
from headway_lane.messages.check_queue import checks
from headway_lane.reconciler.reconcile import CheckOutcome, Reconciler
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment, Metric, ProxyAuth
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.vendor_api.job_status import Finding, ask
from headway_lane.vendor_api.proxy import client_for, proxy_of

METRICS: Final = {
    CheckOutcome.OVER: Metric.CHECKS_OVER,
    CheckOutcome.WAITING: Metric.CHECKS_WAITING,
    CheckOutcome.PENDING: Metric.CHECKS_PENDING,
    CheckOutcome.SETTLED: Metric.CHECKS_SETTLED,
    CheckOutcome.LOST: Metric.CHECKS_LOST,
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


def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Make a batch of checks; only those that broke off come back."""
    vendor = profiles().vendor(setting(Environment.VENDOR))
    poll = vendor.poll
    if poll is None:
        raise ValueError(f"{vendor.name} cannot be polled any more: its contract has lost `poll` since the deployment")
    counts: Counter[Metric] = Counter()

    def ask_vendor(job_id: str) -> Finding:
        turns = turns_of(vendor, profiles().tuning(vendor), Scope.POLL)
        try:
            return ask(proxy_of(http_client(), vendor), poll, job_id, turns)
        finally:
            turns.report()
            counts.update(cool_down_counts(turns.cool_downs))

    reconciler = Reconciler(vendor, poll, ledger(), settler(), checks(), ask_vendor, clock.epoch_s)

    def check_record(record: SQSRecord) -> None:
        check = Check.from_body(record.body)
        outcome = reconciler.reconcile(check)
        counts[METRICS[outcome]] += 1
        logger().info("job checked", call_id=check.call_id, job_id=check.job_id, outcome=outcome)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, check_record, processor, context)
    publish(vendor.name, counts)
    return response
