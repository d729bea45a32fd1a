"""What the callback function needs, which serves all vendors that call back."""

from collections.abc import Sequence

from headway_lane.contract.needs import KNOWING_THE_CONTRACT
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import JOINING_JOBS, MOVING_CALLS, READING_ANSWERS
from headway_lane.limiter.needs import COUNTING_IN_FLIGHT
from headway_lane.messages.needs import DEAD_LETTERING_CALLBACKS, REQUEUEING_CALLBACKS, laying_down
from headway_lane.resume.needs import ANSWERING_TASKS
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, LambdaEntry, Resource, may, reads


def callback(heard: Sequence[Vendor]) -> LambdaEntry:
    """Return the callback function of the vendors that call back."""
    told = (
        reads(
            Environment.CALLS_TABLE,
            Environment.JOBS_TABLE,
            Environment.CONFIG_APPLICATION,
            Environment.CALLBACK_URL,
            Environment.WEBHOOK_SECRETS,
        )
        | DEAD_LETTERING_CALLBACKS
        | REQUEUEING_CALLBACKS
    )
    verifying = may(Resource.WEBHOOK_KEYS, READ_SECRET) | KNOWING_THE_CONTRACT
    settling = MOVING_CALLS | JOINING_JOBS | READING_ANSWERS | ANSWERING_TASKS | laying_down(Resource.ANSWER_CLAIMS)
    limited = any(vendor.jobs_in_flight is not None for vendor in heard)
    return LambdaEntry("callback.handler.receive", told | verifying | settling | COUNTING_IN_FLIGHT.where(limited))
