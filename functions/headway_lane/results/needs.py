"""What the results function needs: the paths by which the vendor is asked, or the ledger where results come with the
callback, the waiting tasks, and its own queue; for checks, the way back, too, and for cancels, the calls of an
execution.
"""

from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Scope
from headway_lane.contract.needs import KNOWING_THE_CONTRACT, LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import FINDING_CALLS, MOVING_CALLS, READING_ANSWERS
from headway_lane.limiter.needs import releasing_in_flight
from headway_lane.messages.needs import FINDING_LATER, laying_down, redeeming
from headway_lane.resume.needs import ANSWERING_TASKS, settling
from headway_lane.runtime.needs import LambdaEntry, Needs, Resource
from headway_lane.vendor_api.needs import authenticating, path, taking_turns


def results(vendor: Vendor) -> LambdaEntry:
    """Return the function that finds out what became of jobs."""
    getting = _fetching(vendor) if isinstance(vendor.result, Fetched) else _taking()
    telling = laying_down(Resource.RESULT_CLAIMS) | ANSWERING_TASKS | FINDING_LATER
    checking = _checking(vendor).where(vendor.poll is not None)
    cancelling = _cancelling(vendor).where(vendor.cancel is not None)
    return LambdaEntry("results.handler.find", LANE | getting | telling | checking | cancelling)


def _fetching(vendor: Vendor) -> Needs:
    return _asking(vendor) | path(Resource.RESULT_PATH)


def _taking() -> Needs:
    return KNOWING_THE_CONTRACT | READING_ANSWERS | redeeming(Resource.ANSWER_CLAIMS)


def _checking(vendor: Vendor) -> Needs:
    return _asking(vendor) | path(Resource.POLL_PATH) | settling(vendor) | READING_ANSWERS


def _cancelling(vendor: Vendor) -> Needs:
    asking = _asking(vendor) | path(Resource.CANCEL_PATH)
    return asking | FINDING_CALLS | MOVING_CALLS | READING_ANSWERS | releasing_in_flight(vendor)


def _asking(vendor: Vendor) -> Needs:
    return KNOWING_THE_CONTRACT | authenticating(vendor) | taking_turns(vendor, Scope.POLL)
