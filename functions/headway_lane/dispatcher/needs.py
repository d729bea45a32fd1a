"""What the dispatcher needs; where a schedule starts it, it receives by itself."""

from headway_lane.contract.dispatch import Trigger
from headway_lane.contract.needs import KNOWING_THE_CONTRACT, KNOWING_THE_TUNING, LANE
from headway_lane.contract.vendor import Vendor
from headway_lane.ledger.needs import RECORDING_CALLS
from headway_lane.limiter.needs import RESERVING, seeing_in_flight
from headway_lane.messages.needs import REQUEUEING
from headway_lane.resume.needs import BEATING_TASKS, FAILING_TASKS
from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import LambdaEntry, Resource, may, reads


def dispatcher(vendor: Vendor) -> LambdaEntry:
    """Return the dispatcher."""
    receiving = may(Resource.REQUEST_QUEUES, "sqs:ReceiveMessage", "sqs:DeleteMessage")
    needs = (
        LANE
        | RECORDING_CALLS
        | KNOWING_THE_CONTRACT
        | KNOWING_THE_TUNING
        | RESERVING.where(vendor.dispatch.by_permits)
        | seeing_in_flight(vendor)
        | REQUEUEING
        | reads(Environment.DISPATCH_MACHINE_ARN, Environment.REQUEST_QUEUE_URLS)
        | may(Resource.DISPATCH_MACHINE, "states:StartExecution")
        | FAILING_TASKS
        | BEATING_TASKS
        | receiving.where(vendor.dispatch.trigger is Trigger.SCHEDULE)
    )
    return LambdaEntry("dispatcher.handler.dispatch", needs)
