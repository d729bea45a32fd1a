"""What becomes of whoever waits for a message that cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager

from headway_lane.messages.body import waiter_of
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import ErrorCode, Malformed


@contextmanager
def told_if_malformed(body: str, waiters: Waiters) -> Iterator[None]:
    """Where the block raises Malformed, fail the task that waits for a message at once. It is raised all the same, so
    that the queue moves the message to its DLQ.
    """
    try:
        yield
    except Malformed as error:
        if waiter := waiter_of(body):
            waiters.fail(waiter, ErrorCode.REQUEST_MALFORMED, str(error))
        raise
