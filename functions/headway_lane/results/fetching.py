"""What becomes of a fetch (hop 11): its task gets the result, or why there is none, or the fetch waits on.

Order of effects: the heartbeat, the vendor, the claim check, the task, the turns' report; of a fetch that waits, the
heartbeat, the vendor, the report, the queue. Every step may be repeated. The vendor is not asked for a task that has
ended. A `SendTask*` whose response was lost is repeated against a dead token, which is as good as done. No fetch is
given up before its task ends: what can be had later waits.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from headway_lane.limiter.turn import Turns
from headway_lane.messages import json_text
from headway_lane.messages.claim import STATE_BYTES, Claims, results_folder
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.results_queue import ResultsQueue
from headway_lane.results.pauses import pause_s
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import FailTask, NewerFormat, RetryLater
from headway_lane.runtime.observability import logger

Get = Callable[[str, Turns], Any]
"""Gets the result of a job. RetryLater where it cannot be had now, FailTask where there is none."""


class FetchOutcome(StrEnum):
    """What became of a fetch."""

    FETCHED = "fetched"
    REJECTED = "rejected"
    REQUEUED = "requeued"
    NEWER = "newer"
    """Requeued, too: a record is for newer code to read."""
    OVER = "over"
    """Nobody waits for the result: the task has ended, or has it already."""


class Fetcher:
    """Makes the fetches of one vendor. `spread` draws from 0 to 1: fetches that failed together come back apart."""

    def __init__(
        self,
        vendor_name: str,
        waiters: Waiters,
        claims: Claims,
        queue: ResultsQueue,
        *,
        get: Get,
        spread: Callable[[], float],
    ) -> None:
        self._vendor_name = vendor_name
        self._waiters = waiters
        self._claims = claims
        self._queue = queue
        self._get = get
        self._spread = spread

    def fetch(self, asked: Fetch, turns: Turns) -> FetchOutcome:
        """Make a fetch; safe to repeat. Raises what clients raise."""
        if not self._awaited(asked):
            return FetchOutcome.OVER
        try:
            return self._settle(asked, turns)
        except RetryLater as later:
            return self._wait(asked, later)

    def _settle(self, asked: Fetch, turns: Turns) -> FetchOutcome:
        try:
            result = self._get(asked.job_id, turns)
            told = self._waiters.succeed(asked.waiter, self._output(asked, result))
            outcome = FetchOutcome.FETCHED
        except FailTask as error:
            told = self._waiters.fail(asked.waiter, error.code, error.cause)
            outcome = FetchOutcome.REJECTED
            logger().warning("result rejected", call_id=asked.call_id, error_code=error.code)
        finally:
            turns.report()
        return outcome if told else FetchOutcome.OVER

    def _output(self, asked: Fetch, result: Any) -> dict[str, Any]:
        """Return what the workflow gets. A result that would not travel becomes a claim check."""
        folder = results_folder(self._vendor_name)
        output = {
            "call_id": asked.call_id,
            "vendor": self._vendor_name,
            "job_id": asked.job_id,
            "status": asked.status,
            "result": self._claims.slim(result, folder),
        }
        if len(json_text.encode(output)) > STATE_BYTES:  # the vendor's own words beside it are that long
            output["result"] = self._claims.keep(json_text.encode(result), folder)
        return output

    def _wait(self, asked: Fetch, later: RetryLater) -> FetchOutcome:
        """Requeue a fetch, for as long as it takes."""
        delay_s = pause_s(later, asked.requeued_count, self._spread())
        self._queue.fetch(asked.again(), delay_s)
        logger().info("fetch requeued", call_id=asked.call_id, reason=str(later), delay_s=delay_s)
        return FetchOutcome.NEWER if isinstance(later, NewerFormat) else FetchOutcome.REQUEUED

    def _awaited(self, asked: Fetch) -> bool:
        """Restart the task's heartbeat, and return whether anybody waits. Where that cannot be found out, somebody
        does.
        """
        try:
            return self._waiters.beat(asked.waiter)
        except (BotoCoreError, ClientError) as error:
            logger().warning("waiter not asked", call_id=asked.call_id, error_type=type(error).__name__)
            return True
