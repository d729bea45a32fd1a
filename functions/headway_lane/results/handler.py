"""Results function (hop 11, and beside hop 10): what became of jobs. In: a batch of the results queue, checks of jobs
whose callback does not come, fetches for workflows that wait for a result, and what a stopped execution leaves to be
called off. Out: settled tasks, jobs called off, or messages for later.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.contract import exchange
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.executions import calls_of
from headway_lane.limiter.reporting import reported
from headway_lane.limiter.turn import Turns, Unpaced
from headway_lane.messages.cancel import Cancellation, Stop
from headway_lane.messages.check import Check
from headway_lane.messages.fetch import Fetch
from headway_lane.results.batch import Errands, ResultsBatch
from headway_lane.results.cancelling import Canceller, CancelOutcome, StopOutcome
from headway_lane.results.delivery import delivered
from headway_lane.results.fetch import fetched
from headway_lane.results.fetching import Fetcher, FetchOutcome
from headway_lane.results.reconcile import CheckOutcome, Reconciler
from headway_lane.runtime import clock
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import publish
from headway_lane.runtime.warm_up import WARM_UP, warm_up_s
from headway_lane.vendor_api.calling_off import call_off
from headway_lane.vendor_api.cool_downs import cool_down_counts
from headway_lane.vendor_api.job_status import JobFinding, ask


def find(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch; only messages that broke off come back. Or be warmed up."""
    vendor, cool_downs, held_s = worker.vendor(), Counter[Metric](), warm_up_s(event)
    if held_s is not None:
        _build(vendor)
        clock.sleep_s(held_s)
        return {"batchItemFailures": []}
    errands = Errands.of(
        partial(check, vendor, cool_downs),
        partial(fetch, vendor, cool_downs),
        partial(search, vendor, cool_downs),
        partial(cancel, vendor, cool_downs),
    )
    batch = ResultsBatch(errands, worker.waiters(), worker.results_queue())
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    response = process_partial_response(event, batch.take, processor, context)
    publish(vendor.name, batch.counts + cool_downs)
    return response


def _build(vendor: Vendor) -> None:
    """Build what a worker keeps, and the connection to the proxy where results are fetched from the vendor."""
    worker.waiters()
    worker.claims()
    worker.results_queue()
    if isinstance(vendor.result, exchange.Fetched):
        way_out.turns(vendor, Scope.POLL, WARM_UP)
        way_out.proxy(vendor).connect_ahead()


def check(vendor: Vendor, cool_downs: Counter[Metric], asked: Check) -> CheckOutcome:
    """Make one check."""
    poll = vendor.poll
    if poll is None:
        raise ValueError(f"{vendor.name} cannot be polled any more: its contract has lost `poll` since the deployment")

    def ask_vendor(job_id: str) -> JobFinding:
        with _turns(vendor, job_id, cool_downs) as turns:
            try:
                accepted_epoch_s = asked.until_epoch_s - vendor.waits.answer_s
                return ask(way_out.proxy(vendor), poll, job_id, turns, clock.epoch_s() - accepted_epoch_s)
            finally:
                reported(turns, job_id=job_id)

    reconciler = Reconciler(
        vendor,
        poll,
        worker.ledger(),
        worker.settler(),
        worker.results_queue(),
        ask=ask_vendor,
        epoch_s=clock.epoch_s,
    )
    return reconciler.reconcile(asked)


def fetch(vendor: Vendor, cool_downs: Counter[Metric], asked: Fetch) -> FetchOutcome:
    """Make one fetch, from the vendor, or from the ledger where the result came with the vendor's last callback."""
    place, claims = vendor.result, worker.claims()

    def get(job_id: str, turns: Turns) -> Any:
        if isinstance(place, Delivered):
            return delivered(worker.ledger(), claims, vendor.name, place, job_id)
        return fetched(way_out.proxy(vendor), vendor.name, place, job_id, turns)

    fetcher = Fetcher(vendor.name, worker.waiters(), claims, worker.results_queue(), get=get, spread=random.random)
    if isinstance(place, Delivered):
        return fetcher.fetch(asked, Unpaced())
    with _turns(vendor, asked.job_id, cool_downs) as turns:
        return fetcher.fetch(asked, turns)


def search(vendor: Vendor, cool_downs: Counter[Metric], stop: Stop) -> StopOutcome:
    """Search what a stopped execution has left at the vendor."""
    return StopOutcome.OVER if vendor.cancel is None else _canceller(vendor, vendor.cancel, cool_downs).search(stop)


def cancel(vendor: Vendor, cool_downs: Counter[Metric], asked: Cancellation) -> CancelOutcome:
    """Call one job off, where the contract still says how."""
    if vendor.cancel is None:
        return CancelOutcome.OVER
    return _canceller(vendor, vendor.cancel, cool_downs).cancel(asked)


def _canceller(vendor: Vendor, place: exchange.Cancel, cool_downs: Counter[Metric]) -> Canceller:
    def tell_vendor(job_id: str) -> bool:
        with _turns(vendor, job_id, cool_downs) as turns:
            try:
                return call_off(way_out.proxy(vendor), place, job_id, turns)
            finally:
                reported(turns, job_id=job_id)

    return Canceller(
        worker.ledger(),
        worker.settler(),
        worker.results_queue(),
        calls_of=partial(calls_of, worker.calls()),
        call_off=tell_vendor,
        answer_s=vendor.waits.answer_s,
        lease_s=vendor.results_timeout_s,
        spread=random.random,
        epoch_s=clock.epoch_s,
    )


@contextmanager
def _turns(vendor: Vendor, job_id: str, cool_downs: Counter[Metric]) -> Iterator[Turns]:
    """Give the turns of one question about a job, and count the cool-downs that it caused."""
    turns = way_out.turns(vendor, Scope.POLL, job_id)
    try:
        yield turns
    finally:
        cool_downs.update(cool_down_counts(turns.cool_downs))
