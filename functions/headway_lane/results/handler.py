"""Results function (hop 11): what became of jobs. In: the job ID of a workflow that waits for the result, or a batch of
checks of jobs whose callback does not come. Out: the result, or why there is none; for checks, see `checks.py`.
"""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import way_out, worker
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from headway_lane.results.checks import check_all
from headway_lane.results.delivery import delivered
from headway_lane.results.fetch import fetched
from headway_lane.results.outcome import outcome
from headway_lane.runtime import clock


def find(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | PartialItemFailureResponse:
    """Make the checks of a batch, or get one result the way that the contract says."""
    if "Records" in event:
        return check_all(event, context)
    return result_of(worker.vendor(), event["call_id"], event["job_id"])


def result_of(vendor: Vendor, call_id: str, job_id: str) -> dict[str, Any]:
    """Fetch one result from the vendor, or take it from the ledger where it came with the vendor's last callback."""
    place, claims = vendor.result, worker.claims()
    if isinstance(place, Delivered):
        return outcome(
            vendor.name, call_id, lambda: delivered(worker.ledger(), claims, vendor.name, place, job_id), claims
        )
    turns, proxy = way_out.turns(vendor, Scope.POLL), way_out.proxy(vendor)
    return outcome(
        vendor.name,
        call_id,
        lambda: fetched(proxy, vendor.name, place, job_id, turns, clock.sleep_s),
        claims,
        turns,
    )
