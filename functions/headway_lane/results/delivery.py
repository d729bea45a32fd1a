"""Taking a result from the ledger (hop 11), for a vendor whose results come with the last callback."""

import json
from typing import Any

from headway_lane.contract import paths
from headway_lane.contract.exchange import Delivered
from headway_lane.ledger.store import Ledger
from headway_lane.messages.claim import Claims, answers_folder
from headway_lane.runtime.errors import ErrorCode, FailTask, Malformed


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
