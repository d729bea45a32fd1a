"""What the dispatcher and the drain need: the same, but that the drain receives by itself."""

from headway_lane.contract.needs import LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import RECORDING_CALLS
from headway_lane.limiter.needs import RESERVING, counting_in_flight
from headway_lane.messages.needs import REQUEUEING
from headway_lane.resume.needs import FAILING_TASKS
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import LambdaEntry, Needs, Resource, may, reads


def _dispatching(vendor: Vendor) -> Needs:
    return (
        LANE
        | RECORDING_CALLS
        | RESERVING
        | counting_in_flight(vendor)
        | REQUEUEING
        | reads(Environment.DISPATCH_MACHINE_ARN, Environment.REQUEST_QUEUE_URLS)
        | may(Resource.DISPATCH_MACHINE, "states:StartExecution")
        | FAILING_TASKS
    )


def dispatcher(vendor: Vendor) -> LambdaEntry:
    """Return the dispatcher, to which an event source mapping brings its batches."""
    return LambdaEntry("dispatcher.handler.dispatch", _dispatching(vendor))


def drain(vendor: Vendor) -> LambdaEntry:
    """Return the drain, which a schedule starts."""
    receiving = may(Resource.REQUEST_QUEUES, "sqs:ReceiveMessage", "sqs:DeleteMessage")
    return LambdaEntry("dispatcher.handler.drain", _dispatching(vendor) | receiving)
