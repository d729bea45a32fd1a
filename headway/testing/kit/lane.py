"""A vendor as a test scripts it, at the end of a lane: what comes in are the messages of a machine, what goes out is
what Headway tells its tasks.

The messages are read by the code that reads them on AWS; what is scripted is what the vendor does with a call.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Self

from headway_lane.contract.vendor import Vendor
from headway_lane.messages.fetch import Fetch
from headway_lane.messages.request import CallRequest
from headway_lane.messages.results_queue import read
from headway_lane.runtime.errors import ErrorCode, Malformed

from headway.testing.kit.interpreter import TaskCall
from headway.testing.kit.scripts import Course, TaskAnswer, Words, token_of

ACCEPTED: Final = "accepted"
THROTTLED: Final = "throttled"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class VendorCall:
    """What the vendor was asked, and how it answered: `accepted`, `throttled` or `rejected`."""

    at_s: float
    answer: str
    payload: Any
    tenant: str
    urgent: bool
    message: Any = field(repr=False)


@dataclass(slots=True)
class _Job:
    """A call on its way: what the vendor makes of it, and where its task is."""

    request: CallRequest
    tenant: str
    urgent: bool
    message: Any
    token: str
    number: int

    @property
    def job_id(self) -> str:
        """What the vendor calls it."""
        return f"job-{self.number}"


_Word = Callable[[_Job], None]


class ScriptedVendor:
    """A vendor: every word is about the next call, and the last one holds for all that follow.

    `calls` is what it was asked, `callbacks` what its tasks were told, heartbeats and what came too late among it.
    """

    def __init__(self, vendor: Vendor, course: Course) -> None:
        self.calls: list[VendorCall] = []
        self.callbacks: list[TaskAnswer] = []
        self._vendor, self._course = vendor, course
        self._words: Words[_Word] = Words()
        self._throttled: tuple[int, float] = (0, 0)
        self._numbers = count(1)
        self._results: dict[str, Any] = {}
        self._causes: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The vendor's name."""
        return self._vendor.name

    def answers(
        self, result: Any, *, after_s: float = 0, progress_every_s: float | None = None, status: str = "succeeded"
    ) -> Self:
        """Call back after so many seconds; the result is there for whoever fetches it. Meanwhile tell of progress."""

        def work(job: _Job) -> None:
            self._accept(job, result)
            self._progress(job, progress_every_s)
            self._course.later(after_s, lambda: self._succeed(job, status))

        return self._say(work)

    def answers_early(self, result: Any) -> Self:
        """Call back before the request that asks for the job has returned."""

        def work(job: _Job) -> None:
            self._accept(job, result)
            self._succeed(job, "succeeded")

        return self._say(work)

    def answers_twice(self, result: Any, *, after_s: float = 0, again_after_s: float = 1) -> Self:
        """Call back, and once more so many seconds later."""

        def work(job: _Job) -> None:
            self._accept(job, result)
            for seconds in (after_s, after_s + again_after_s):
                self._course.later(seconds, lambda: self._succeed(job, "succeeded"))

        return self._say(work)

    def answers_without_result(self, cause: str, *, after_s: float = 0) -> Self:
        """Call back, and have no result for whoever fetches it: Result.Unavailable."""

        def work(job: _Job) -> None:
            self._note(job, ACCEPTED)
            self._causes[job.job_id] = cause
            self._course.later(after_s, lambda: self._succeed(job, "succeeded"))

        return self._say(work)

    def never_answers(self, *, progress_every_s: float | None = None) -> Self:
        """Take the job, and be silent or tell of progress without an end."""

        def work(job: _Job) -> None:
            self._accept(job, None)
            self._progress(job, progress_every_s)

        return self._say(work)

    def fails(self, cause: str, *, after_s: float = 0, error: str = ErrorCode.VENDOR_JOB_FAILED) -> Self:
        """Take the job, and call back that it has failed."""

        def work(job: _Job) -> None:
            self._accept(job, None)
            self._course.later(after_s, lambda: self._fail(job.token, error, cause))

        return self._say(work)

    def rejects(self, cause: str) -> Self:
        """Refuse the call for good."""

        def work(job: _Job) -> None:
            self._note(job, REJECTED)
            self._course.later(0, lambda: self._fail(job.token, ErrorCode.VENDOR_REJECTED, cause))

        return self._say(work)

    def throttles(self, count: int = 1, *, retry_after_s: float = 60) -> Self:
        """Answer 429 so often, each time for so long, before the next word is about the call."""
        self._throttled = (count, retry_after_s)
        return self

    @property
    def has_words(self) -> bool:
        """Return whether anything is said."""
        return bool(self._words) or self._throttled[0] > 0

    def ask(self, asked: TaskCall, *, urgent: bool) -> None:
        """Take a message of the request queue."""
        token, message = token_of(asked), asked.arguments["MessageBody"]
        tenant = str(asked.arguments.get("MessageGroupId", ""))
        try:
            request = CallRequest.from_body(json.dumps(message), self.name, tenant)
        except Malformed as problem:
            cause = str(problem)
            self._course.later(0, lambda: self._fail(token, ErrorCode.REQUEST_MALFORMED, cause))
            return
        if self._throttled[0]:
            self.never_answers()
        self._words.take()(_Job(request, tenant, urgent, message, token, next(self._numbers)))

    def fetch(self, asked: TaskCall) -> None:
        """Take a message of the results queue."""
        token = token_of(asked)
        try:
            fetch = read(json.dumps(asked.arguments["MessageBody"]))
            if not isinstance(fetch, Fetch):
                raise Malformed("`kind` is not `fetch`")  # noqa: TRY301
        except Malformed as problem:
            cause = str(problem)
            self._course.later(0, lambda: self._fail(token, ErrorCode.REQUEST_MALFORMED, cause))
            return
        if fetch.job_id not in self._results:
            cause = self._causes.get(fetch.job_id, f"{self.name} has no job {fetch.job_id}")
            self._course.later(0, lambda: self._fail(token, ErrorCode.RESULT_UNAVAILABLE, cause))
            return
        told = {
            "call_id": fetch.call_id,
            "vendor": self.name,
            "job_id": fetch.job_id,
            "status": fetch.status,
            "result": self._results[fetch.job_id],
        }
        self._course.later(0, lambda: self._tell("success", token, output=json.dumps(told)))

    def _say(self, work: _Word) -> Self:
        (count, retry_after_s), self._throttled = self._throttled, (0, 0)

        def work_when_let_in(job: _Job, attempt: int = 0) -> None:
            if attempt == count:
                work(job)
                return
            self._note(job, THROTTLED)
            self._course.later(retry_after_s, lambda: again(job, attempt + 1))

        def again(job: _Job, attempt: int) -> None:
            # Before it sends, the lane asks the task by a heartbeat: the vendor is not called for one that has ended.
            if self._course.tell(self.callbacks, "heartbeat", job.token):
                work_when_let_in(job, attempt)

        self._words.add(work_when_let_in)
        return self

    def _note(self, job: _Job, answer: str) -> None:
        payload = job.request.payload
        self.calls.append(VendorCall(self._course.now_s, answer, payload, job.tenant, job.urgent, job.message))

    def _accept(self, job: _Job, result: Any) -> None:
        self._note(job, ACCEPTED)
        self._results[job.job_id] = result

    def _progress(self, job: _Job, every_s: float | None) -> None:
        if every_s is not None:
            self._course.beat(self.callbacks, job.token, every_s)

    def _succeed(self, job: _Job, status: str) -> None:
        told = {"call_id": job.request.call_id, "job_id": job.job_id, "status": status}
        self._tell("success", job.token, output=json.dumps(told))

    def _fail(self, token: str, error: str, cause: str) -> None:
        self._tell("failure", token, error=str(error), cause=cause)

    def _tell(self, word: str, token: str, **words: str) -> None:
        self._course.tell(self.callbacks, word, token, **words)
