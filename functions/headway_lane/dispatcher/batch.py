"""A batch of request messages (hop 3), by whichever way it came: its turns, its in-flight permits, and what became of
each message.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from headway_lane.dispatcher.admission import Admission
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.limiter.pace import Starts
from headway_lane.messages.origin import Origin
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.runtime.errors import Malformed, NewerFormat, RetryLater
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger


class RequestBatch:
    """Dispatches the messages of one batch; `counts` says what became of them."""

    def __init__(self, dispatcher: Dispatcher, requests: RequestQueues, turns: Starts, admission: Admission) -> None:
        self._dispatcher = dispatcher
        self._requests = requests
        self._turns = turns
        self._admission = admission
        self.counts: Counter[Metric] = Counter()

    def dispatch(self, body: str, origin: Origin) -> None:
        """Dispatch one message; one that has to wait long goes back to its queue. Raises Malformed, and whatever a
        client raises.
        """
        try:
            dispatched = self._dispatcher.dispatch(body, origin, self._turns, self._admission)
        except Malformed as error:
            self.counts[Metric.REQUESTS_MALFORMED] += 1
            logger().warning("request malformed", reason=str(error))
            raise
        except RetryLater as error:
            self._requests.requeue(body, origin, error.retry_after_s)
            self.counts[Metric.CALLS_REQUEUED] += 1
            if isinstance(error, NewerFormat):
                note(self.counts, error)
            return
        except Exception as error:  # the batch processor returns the message to the queue, and says nothing
            logger().warning("dispatch failed", error_type=type(error).__name__, reason=str(error))
            raise
        self.counts[Metric.CALLS_DISPATCHED if dispatched else Metric.CALLS_DUPLICATE] += 1


@contextmanager
def open_batch(
    dispatcher: Dispatcher, requests: RequestQueues, bodies: Sequence[str], urgent: bool | None = None
) -> Iterator[RequestBatch]:
    """Open a batch; what was reserved for its calls and not used goes back at its end, turns before in-flight permits.

    `urgent` says which queue all its messages are from; None where they may be from both. The calls that had to wait
    for an in-flight permit are counted at the end.
    """
    with closing(dispatcher.admission(bodies)) as admission, closing(dispatcher.turns(len(bodies), urgent)) as turns:
        batch = RequestBatch(dispatcher, requests, turns, admission)
        yield batch
    if admission.full_count:
        batch.counts[Metric.IN_FLIGHT_FULL] += admission.full_count
