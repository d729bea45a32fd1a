"""What the caller needs: the way to the vendor, the ledger, and the queues that a call may go to."""

from headway_lane.contract.needs import LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.messages.needs import FINDING_LATER, REQUEUEING, redeeming
from headway_lane.resume.needs import settling
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, LambdaEntry, Resource, may, reads
from headway_lane.vendor_api.needs import calling_the_vendor, path


def caller(vendor: Vendor) -> LambdaEntry:
    """Return the caller."""
    told_key = reads(Environment.WEBHOOK_SECRET) | may(Resource.WEBHOOK_KEYS, READ_SECRET)
    needs = (
        LANE
        | calling_the_vendor(vendor)
        | path(Resource.SUBMIT_PATH)
        | path(Resource.LOOKUP_PATH).where(vendor.submit.lookup is not None)
        | reads(Environment.CALLBACK_URL).where(vendor.submit.callback_url is not None)
        | told_key.where(vendor.submit.callback_key is not None)
        | redeeming(Resource.REQUEST_CLAIMS)
        | REQUEUEING
        | FINDING_LATER.where(vendor.poll is not None)
        | settling(vendor)
    )
    return LambdaEntry("caller.handler.call", needs)
