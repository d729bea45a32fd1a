"""What putting messages into queues and laying claim checks down takes."""

from typing import Final

from headway_lane.runtime.names import Environment
from headway_lane.runtime.needs import Needs, Resource, may, reads

_SEND: Final = "sqs:SendMessage"

REQUEUEING: Final = may(Resource.REQUEST_QUEUES, _SEND)
FINDING_LATER: Final = reads(Environment.RESULTS_QUEUE_URL) | may(Resource.RESULTS_QUEUE, _SEND)
REQUEUEING_CALLBACKS: Final = reads(Environment.CALLBACK_QUEUE_URL) | may(Resource.CALLBACK_QUEUE, _SEND)
DEAD_LETTERING_REQUESTS: Final = reads(Environment.REQUEST_DLQ_URL) | may(Resource.REQUEST_DLQ, _SEND)
DEAD_LETTERING_CALLBACKS: Final = reads(Environment.CALLBACK_DLQ_URL) | may(Resource.CALLBACK_DLQ, _SEND)


def redeeming(claims: Resource) -> Needs:
    """Return what reading claim checks of a kind takes."""
    return reads(Environment.CLAIMS_BUCKET) | may(claims, "s3:GetObject")


def laying_down(claims: Resource) -> Needs:
    """Return what writing claim checks of a kind takes."""
    return reads(Environment.CLAIMS_BUCKET) | may(claims, "s3:PutObject")
