"""What the results function needs: the result path, or the ledger where results come with the callback."""

from headway_lane.contract.exchange import Delivered
from headway_lane.contract.needs import KNOWING_THE_CONTRACT, LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import READING_ANSWERS
from headway_lane.messages.needs import laying_down, redeeming
from headway_lane.runtime.needs import LambdaEntry, Resource
from headway_lane.vendor_api.needs import calling_the_vendor, path


def results(vendor: Vendor) -> LambdaEntry:
    """Return the function that gets a result the way that the contract says."""
    if isinstance(vendor.result, Delivered):
        known = KNOWING_THE_CONTRACT | READING_ANSWERS | redeeming(Resource.ANSWER_CLAIMS)
        return LambdaEntry("results.handler.deliver", LANE | known | laying_down(Resource.RESULT_CLAIMS))
    fetched = calling_the_vendor(vendor) | path(Resource.RESULT_PATH) | laying_down(Resource.RESULT_CLAIMS)
    return LambdaEntry("results.handler.fetch", LANE | fetched)
