"""A batch of the results queue: each message is an errand by its kind, and counts by what became of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from headway_lane.messages.cancel import Cancellation, Stop
from headway_lane.messages.check import Check
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import ResultsMessage, ResultsQueue, read
from headway_lane.results.cancelling import CancelOutcome, StopOutcome
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
STOPPED: Final[Mapping[StopOutcome, Metric]] = {
    StopOutcome.PENDING: Metric.STOPS_PENDING,
    StopOutcome.OVER: Metric.STOPS_OVER,
}
CANCELLED: Final[Mapping[CancelOutcome, Metric]] = {
    CancelOutcome.CANCELLED: Metric.CANCELS_DONE,
    CancelOutcome.REFUSED: Metric.CANCELS_REFUSED,
    CancelOutcome.REQUEUED: Metric.CANCELS_REQUEUED,
    CancelOutcome.OVER: Metric.CANCELS_OVER,
}


@dataclass(frozen=True, slots=True)
class Errands:
    """What is done with each kind of message, and which metric counts what became of it."""

    by_kind: Mapping[type[ResultsMessage], tuple[Callable[[Any], StrEnum], Mapping[Any, Metric]]]

    @classmethod
    def of(
        cls,
        check: Callable[[Check], CheckOutcome],
        fetch: Callable[[Fetch], FetchOutcome],
        search: Callable[[Stop], StopOutcome],
        cancel: Callable[[Cancellation], CancelOutcome],
    ) -> Self:
        """Name what is done with each kind."""
        return cls(
            {
                Check: (check, CHECKED),
                Fetch: (fetch, FETCHED),
                Stop: (search, STOPPED),
                Cancellation: (cancel, CANCELLED),
            }
        )

    def run(self, message: ResultsMessage) -> tuple[StrEnum, Metric]:
        """Do what a message asks for."""
        do, counted = self.by_kind[type(message)]
        outcome = do(message)
        return outcome, counted[outcome]


class ResultsBatch:
    """Takes the messages of one batch; `counts` says what became of them."""

    def __init__(self, errands: Errands, waiters: Waiters, queue: ResultsQueue) -> None:
        self._errands = errands
        self._waiters = waiters
        self._queue = queue
        self.counts: Counter[Metric] = Counter()

    def take(self, record: SQSRecord) -> None:
        """Take one message; what newer code has to do waits for that code. Raises where it could not be done now."""
        try:
            message = self._read(record.body)
            outcome, metric = self._errands.run(message)
            self.counts[metric] += 1
            logger().info("results message taken", outcome=outcome, extra=_told(message))
        except NewerFormat as newer:
            self._queue.requeue(record.body, newer)
            note(self.counts, newer)
        except Exception as error:  # the batch processor returns the message to the queue, and says nothing
            logger().warning("results message broke off", error_type=type(error).__name__, reason=str(error))
            raise

    def _read(self, body: str) -> ResultsMessage:
        """Read a message. One that is malformed fails its task at once and raises, so that it becomes a dead letter."""
        with told_if_malformed(body, self._waiters):
            return read(body)


def _told(message: ResultsMessage) -> Mapping[str, str]:
    """Return what a log line says of a message; never who waits."""
    kind = {"kind": type(message).__name__.lower()}
    return kind | {
        name: getattr(message, name) for name in ("call_id", "job_id", "execution") if hasattr(message, name)
    }
