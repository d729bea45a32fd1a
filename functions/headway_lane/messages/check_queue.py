"""The checks of a running function, in the queue that the stack bound where a contract can be polled."""

from functools import cache

from headway_lane.messages.check import Checks
from headway_lane.runtime import aws, clock
from headway_lane.runtime.names import Environment
from headway_lane.runtime.settings import setting


@cache
def checks() -> Checks:
    """Return this worker's way to the queue."""
    return Checks(aws.sqs(), setting(Environment.CHECK_QUEUE_URL), clock.epoch_s)
