"""What the caller needs: the way to the vendor, the ledger, and the queues that a call may go to."""

from headway_lane.contract.limits import Scope
from headway_lane.contract.needs import KNOWING_THE_CONTRACT, LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.needs import acquiring_in_flight
from headway_lane.messages.needs import FINDING_LATER, REQUEUEING, redeeming
from headway_lane.resume.needs import BEATING_TASKS, FAILING_TASKS, settling
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, LambdaEntry, Resource, may, reads
from headway_lane.vendor_api.needs import authenticating, path, taking_turns


def caller(vendor: Vendor) -> LambdaEntry:
    """Return the caller."""
    told_key = reads(Environment.WEBHOOK_SECRET) | may(Resource.WEBHOOK_KEYS, READ_SECRET)
    needs = (
        LANE
        | authenticating(vendor)
        | KNOWING_THE_CONTRACT
        | taking_turns(vendor, Scope.SUBMIT).where(vendor.dispatch.by_permits)
        | taking_turns(vendor, Scope.POLL).where(vendor.submit.lookup is not None)
        | acquiring_in_flight(vendor)
        | path(Resource.SUBMIT_PATH)
        | path(Resource.LOOKUP_PATH).where(vendor.submit.lookup is not None)
        | reads(Environment.CALLBACK_URL).where(vendor.submit.callback_url is not None)
        | told_key.where(vendor.submit.callback_key is not None)
        | redeeming(Resource.REQUEST_CLAIMS)
        | REQUEUEING
        | FINDING_LATER.where(vendor.poll is not None)
        | settling(vendor)
        | FAILING_TASKS.where(_tells_failures(vendor))
        | BEATING_TASKS
    )
    return LambdaEntry("caller.handler.call", needs)


def _tells_failures(vendor: Vendor) -> bool:
    """Return whether what is parked for the caller may be a failure: the vendor has a word for it."""
    return any(said is not None and said.failure for said in (vendor.callback, vendor.poll))
