"""What the results function needs: the paths by which the vendor is asked, or the ledger where results come with the
callback; and for checks, the way back.
"""

from headway_lane.contract.exchange import Fetched
from headway_lane.contract.limits import Scope
from headway_lane.contract.needs import KNOWING_THE_CONTRACT, LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import READING_ANSWERS
from headway_lane.messages.needs import CHECKING_LATER, laying_down, redeeming
from headway_lane.resume.needs import BEATING_TASKS, FAILING_TASKS, settling
from headway_lane.runtime.needs import LambdaEntry, Needs, Resource
from headway_lane.vendor_api.needs import authenticating, path, taking_turns


def results(vendor: Vendor) -> LambdaEntry:
    """Return the function that finds out what became of jobs."""
    getting = _fetching(vendor) if isinstance(vendor.result, Fetched) else _taking()
    needs = LANE | getting | laying_down(Resource.RESULT_CLAIMS) | _checking(vendor).where(vendor.poll is not None)
    return LambdaEntry("results.handler.find", needs)


def _fetching(vendor: Vendor) -> Needs:
    return _asking(vendor) | path(Resource.RESULT_PATH)


def _taking() -> Needs:
    return KNOWING_THE_CONTRACT | READING_ANSWERS | redeeming(Resource.ANSWER_CLAIMS)


def _checking(vendor: Vendor) -> Needs:
    settling_either_way = settling(vendor) | FAILING_TASKS | BEATING_TASKS
    return _asking(vendor) | path(Resource.POLL_PATH) | settling_either_way | READING_ANSWERS | CHECKING_LATER


def _asking(vendor: Vendor) -> Needs:
    return KNOWING_THE_CONTRACT | authenticating(vendor) | taking_turns(vendor, Scope.POLL)
