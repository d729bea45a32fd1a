"""Results functions (hop 11). In: a job ID from `call_vendor`. Out: the job's result, or why there is none."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.contract.exchange import Delivered, Fetched
from headway_lane.contract.limits import Scope
from headway_lane.results.delivery import delivered
from headway_lane.results.fetch import fetched
from headway_lane.results.outcome import outcome
from headway_lane.runtime import clock


def fetch(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fetch one result from the vendor."""
    del context
    vendor = worker.vendor()
    place = vendor.result
    if not isinstance(place, Fetched):
        raise TypeError(f"{vendor.name}'s results are not fetched any more: deploy the stack for its changed contract")
    turns = way_out.turns(vendor, Scope.POLL)

    def get() -> Any:
        return fetched(way_out.proxy(vendor), vendor.name, place, event["job_id"], turns, clock.sleep_s)

    return outcome(vendor.name, event["call_id"], get, worker.claims(), turns)


def deliver(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one result from the ledger, where it came with the vendor's last callback."""
    del context
    vendor = worker.vendor()
    place = vendor.result
    if not isinstance(place, Delivered):
        raise TypeError(
            f"{vendor.name}'s results do not come along any more: deploy the stack for its changed contract"
        )

    def get() -> Any:
        return delivered(worker.ledger(), worker.claims(), vendor.name, place, event["job_id"])

    return outcome(vendor.name, event["call_id"], get, worker.claims())
