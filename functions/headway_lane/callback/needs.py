"""What the callback function needs: the keys that it verifies by, and the way back to the tasks."""

from headway_lane.contract.needs import KNOWING_THE_CONTRACT
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import READING_ANSWERS
from headway_lane.messages.needs import DEAD_LETTERING_CALLBACKS, REQUEUEING_CALLBACKS, laying_down
from headway_lane.resume.needs import BEATING_TASKS, FAILING_TASKS, settling
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import READ_SECRET, LambdaEntry, Resource, may, reads


def callback(vendor: Vendor) -> LambdaEntry:
    """Return the callback function."""
    told = (
        reads(
            Environment.VENDOR,
            Environment.CALLS_TABLE,
            Environment.JOBS_TABLE,
            Environment.CONFIG_APPLICATION,
            Environment.CALLBACK_URL,
            Environment.WEBHOOK_SECRET,
        )
        | DEAD_LETTERING_CALLBACKS
        | REQUEUEING_CALLBACKS
    )
    verifying = may(Resource.WEBHOOK_KEYS, READ_SECRET) | KNOWING_THE_CONTRACT
    callbacks = vendor.callbacks()
    answering = (
        settling(vendor)
        | FAILING_TASKS.where(bool(callbacks.failure))
        | (BEATING_TASKS | READING_ANSWERS).where(bool(callbacks.progress))
        | laying_down(Resource.ANSWER_CLAIMS)
    )
    return LambdaEntry("callback.handler.receive", told | verifying | answering)
