"""What the reconciler needs: the poll path, the ledger, and its own queue."""

from headway_lane.contract.needs import LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import READING_ANSWERS
from headway_lane.messages.needs import CHECKING_LATER
from headway_lane.resume.needs import settling
from headway_lane.runtime.needs import LambdaEntry, Resource
from headway_lane.vendor_api.needs import calling_the_vendor, path


def reconciler(vendor: Vendor) -> LambdaEntry:
    """Return the reconciler."""
    needs = (
        LANE
        | calling_the_vendor(vendor)
        | path(Resource.POLL_PATH)
        | settling(vendor)
        | READING_ANSWERS
        | CHECKING_LATER
    )
    return LambdaEntry("reconciler.handler.check", needs)
