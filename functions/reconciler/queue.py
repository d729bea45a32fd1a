"""The checks of a running function, in the queue that the stack bound where a contract can be polled."""

from functools import cache

from functions import aws, clock
from functions.names import Environment
from functions.reconciler.check import Checks
from functions.settings import setting


@cache
def checks() -> Checks:
    """Return this worker's way to the queue."""
    return Checks(aws.sqs(), setting(Environment.CHECK_QUEUE_URL), clock.epoch_s)
