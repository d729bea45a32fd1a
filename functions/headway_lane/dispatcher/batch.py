"""A batch of request messages (hop 3), by whichever way it came: its turns, its in-flight permits, and what became of
each message.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from headway_lane.dispatcher.admission import Admission
from headway_lane.dispatcher.dispatch import Dispatcher
from headway_lane.limiter.core.dispatching import DayCapped
from headway_lane.limiter.pace import Starts
from headway_lane.messages.received import Received
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.runtime.errors import Malformed, NewerFormat, RetryLater
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger


class RequestBatch:
    """Dispatches the messages of one batch; `counts` says what became of them."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        requests: RequestQueues,
        turns: Starts,
        admission: Admission,
        asked: Mapping[Received, CallRequest | None],
    ) -> None:
        self._dispatcher = dispatcher
        self._requests = requests
        self._asked = asked
        self._turns = turns
        self._admission = admission
        self.counts: Counter[Metric] = Counter()

    def dispatch(self, received: Received) -> None:
        """Dispatch one message; one that has to wait long goes back to its queue. Raises Malformed, and whatever a
        client raises.
        """
        try:
            self.counts[self._dispatched(received)] += 1
        except Malformed as error:
            self.counts[Metric.REQUESTS_MALFORMED] += 1
            logger().warning("request malformed", reason=str(error))
            raise
        except NewerFormat as newer:
            self._requests.requeue(received.body, received.origin, newer.retry_after_s)
            self.counts[Metric.CALLS_REQUEUED] += 1
            note(self.counts, newer)
        except Exception as error:  # the batch processor returns the message to the queue, and says nothing
            logger().warning("dispatch failed", error_type=type(error).__name__, reason=str(error))
            raise

    def _dispatched(self, received: Received) -> Metric:
        asked = self._asked.get(received)
        request = asked or self._dispatcher.read(received)
        ended = received in self._asked and asked is None
        waiting = None if ended else self._dispatcher.awaited(request)  # once more: a batch may take minutes
        if waiting is None:
            logger().warning("task ended in the queue", call_id=request.call_id, ends_epoch_s=request.ends_epoch_s)
            dropped = self._dispatcher.drop(request, received.tenant)
            return Metric.CALLS_EXPIRED if dropped else Metric.CALLS_DUPLICATE
        try:
            started = self._dispatcher.dispatch(waiting, received.origin, self._turns, self._admission)
        except NewerFormat:
            raise
        except RetryLater as later:
            self._requests.requeue(waiting.to_body(), received.origin, later.retry_after_s)
            logger().info(
                "request requeued", call_id=request.call_id, reason=str(later), retry_after_s=later.retry_after_s
            )
            self.counts[Metric.DAY_CAPPED] += isinstance(later, DayCapped)
            return Metric.CALLS_REQUEUED
        return Metric.CALLS_DISPATCHED if started else Metric.CALLS_DUPLICATE


@contextmanager
def open_batch(
    dispatcher: Dispatcher, requests: RequestQueues, messages: Sequence[Received], urgent: bool | None = None
) -> Iterator[RequestBatch]:
    """Open a batch; what was reserved for its calls and not used goes back at its end.

    Whose task has ended is found out first: a slot that was reserved for it would stay empty. `urgent` says which queue
    all its messages are from; None where they may be from both. The calls that had to wait for an in-flight permit are
    counted at the end.
    """
    asked = dispatcher.ask_all(messages)
    waiting = [message for message in messages if message not in asked or asked[message]]
    admission = dispatcher.admission()
    with closing(dispatcher.turns(len(waiting), urgent)) as turns:
        batch = RequestBatch(dispatcher, requests, turns, admission, asked)
        yield batch
    if admission.full_count:
        batch.counts[Metric.IN_FLIGHT_FULL] += admission.full_count
