"""A batch of the results queue: each message is a check or a fetch, and counts by what became of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from headway_lane.messages.check import Check
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import ResultsQueue, read
from headway_lane.results.fetching import FetchOutcome
from headway_lane.results.reconcile import CheckOutcome
from headway_lane.resume.malformed import told_if_malformed
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import NewerFormat
from headway_lane.runtime.formats import note
from headway_lane.runtime.names import Metric
from headway_lane.runtime.observability import logger

CHECKED: Final[Mapping[CheckOutcome, Metric]] = {
    CheckOutcome.OVER: Metric.CHECKS_OVER,
    CheckOutcome.WAITING: Metric.CHECKS_WAITING,
    CheckOutcome.PENDING: Metric.CHECKS_PENDING,
    CheckOutcome.SETTLED: Metric.CHECKS_SETTLED,
    CheckOutcome.LOST: Metric.CHECKS_LOST,
}
FETCHED: Final[Mapping[FetchOutcome, Metric]] = {
    FetchOutcome.FETCHED: Metric.RESULTS_FETCHED,
    FetchOutcome.REJECTED: Metric.RESULTS_REJECTED,
    FetchOutcome.REQUEUED: Metric.RESULTS_REQUEUED,
    FetchOutcome.NEWER: Metric.FORMATS_NEWER,
    FetchOutcome.OVER: Metric.RESULTS_OVER,
}


class ResultsBatch:
    """Takes the messages of one batch; `counts` says what became of them."""

    def __init__(
        self,
        check: Callable[[Check], CheckOutcome],
        fetch: Callable[[Fetch], FetchOutcome],
        waiters: Waiters,
        queue: ResultsQueue,
    ) -> None:
        self._check = check
        self._fetch = fetch
        self._waiters = waiters
        self._queue = queue
        self.counts: Counter[Metric] = Counter()

    def take(self, record: SQSRecord) -> None:
        """Take one message; what newer code has to do waits for that code. Raises where it could not be done now."""
        try:
            message = self._read(record.body)
            if isinstance(message, Fetch):
                self._note("fetch made", message, fetched := self._fetch(message), FETCHED[fetched])
            else:
                self._note("job checked", message, checked := self._check(message), CHECKED[checked])
        except NewerFormat as newer:
            self._queue.requeue(record.body, newer)
            note(self.counts, newer)
        except Exception as error:  # the batch processor returns the message to the queue, and says nothing
            logger().warning("results message broke off", error_type=type(error).__name__, reason=str(error))
            raise

    def _read(self, body: str) -> Check | Fetch:
        """Read a message. One that is malformed fails its task at once and raises, so that it becomes a dead letter."""
        with told_if_malformed(body, self._waiters):
            return read(body)

    def _note(self, phrase: str, message: Check | Fetch, outcome: str, metric: Metric) -> None:
        self.counts[metric] += 1
        logger().info(phrase, call_id=message.call_id, job_id=message.job_id, outcome=outcome)
