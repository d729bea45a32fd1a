"""Results function (hop 11) of a vendor whose results come with the last callback: they are in the ledger already.

In: a job ID from `call_vendor`. Out: the result, or why there is none.
"""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.contract import paths
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.profile import AppConfigProfiles
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.tables import ledger
from headway_lane.messages.bucket import claims
from headway_lane.messages.claim import Claims, answers_folder
from headway_lane.results.outcome import outcome
from headway_lane.runtime.errors import ErrorCode, FailTask, Malformed
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting


def delivered(ledger: Ledger, claims: Claims, vendor_name: str, place: Delivered, job_id: str) -> Any:
    """Return the event that ended a job, or the part of it that the contract names, as a JSON value.

    Raises FailTask: `Result.Unavailable` where it is not there.
    """
    answer = ledger.answer_of_job(vendor_name, job_id)
    if answer is None:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"the ledger has no answer of {vendor_name} to this job any more")
    try:
        event = claims.redeem(json.loads(answer.body), answers_folder(vendor_name))
    except Malformed as error:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"the answer of {vendor_name} is gone: {error}") from error
    result = event if place.field is None else paths.read(event, place.field)
    if result is None:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name}'s callback has nothing at `{place.field}`")
    return result


@cache
def profiles() -> AppConfigProfiles:
    """Return this worker's view of AppConfig."""
    return AppConfigProfiles(setting(Environment.CONFIG_APPLICATION))


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one result from the ledger."""
    del context
    vendor = profiles().vendor(setting(Environment.VENDOR))
    place = vendor.result
    if not isinstance(place, Delivered):
        raise TypeError(
            f"{vendor.name}'s results do not come along any more: deploy the stack for its changed contract"
        )
    return outcome(
        vendor.name,
        event["call_id"],
        lambda: delivered(ledger(), claims(), vendor.name, place, event["job_id"]),
        claims(),
    )
