"""The vendor behind the proxy: it knows idempotency keys, finds jobs by our reference, ends each after a while, and
calls back. What goes to it may fail on the way, as calls of AWS do.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from headway_lane.runtime.names import CANCEL_PREFIX
from standardwebhooks import Webhook

from tests.matrix.faults import VENDOR, Call, Kind
from tests.matrix.recording import Recording
from tests.matrix.stories import Said, Story
from tests.matrix.world import World

BUSY_S: Final = 60
THROTTLED_COUNT: Final = 3


@dataclass(slots=True)
class Job:
    """A job at the vendor."""

    job_id: str
    key: str | None
    ends_us: int
    called_off_us: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """A submit that reached the vendor, and when."""

    at_us: int
    said: Said


class Vendor:
    """Answers requests; `call_back` takes headers and body of a callback."""

    def __init__(
        self,
        world: World,
        recording: Recording,
        story: Story,
        key: str,
        call_back: Callable[[dict[str, str], str], None],
    ) -> None:
        self._world, self._recording, self._story, self._key = world, recording, story, key
        self._call_back = call_back
        self._says = list(story.says)
        self._throttling = 0
        self.jobs: list[Job] = []
        self.submits: list[Submit] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request that a function sends, or raise what its socket would."""
        invocation = self._recording.invocation
        assert invocation is not None
        invocation.alive()
        submits = request.method == "POST" and CANCEL_PREFIX not in request.url.path
        operation = f"{VENDOR}.{request.method}"
        call = self._recording.numbered(operation, "lookup" if request.url.query else request.url.path)
        kind = self._due(call)
        invocation.submitted = invocation.submitted or (submits and kind is not Kind.UNREACHED)
        self._recording.strike_before(kind)
        if kind is Kind.UNREACHED:
            raise httpx.ConnectError("refused", request=request)
        if kind is Kind.THROTTLED:
            return httpx.Response(429)
        try:
            answer = self._submitted(request) if submits else self._told(request)
        except httpx.ReadTimeout:
            self._recording.strike_after(kind)
            raise
        self._world.sleep(self._story.answer_s)
        self._recording.strike_after(kind)
        if kind is Kind.LOST:
            raise httpx.ReadTimeout("no answer", request=request)
        return answer

    def _due(self, call: Call | None) -> Kind | None:
        """Return how a call fails. What throttles one throttles the next two as well, whichever they are."""
        kind = self._recording.kind_at(call)
        if kind is Kind.THROTTLED:
            self._throttling = THROTTLED_COUNT
        if self._throttling:
            self._throttling -= 1
            return Kind.THROTTLED
        return kind

    def _submitted(self, request: httpx.Request) -> httpx.Response:
        said = self._says.pop(0) if self._says else Said.TAKEN
        self.submits.append(Submit(self._world.now_us, said))
        if said is Said.BUSY:
            return httpx.Response(429, headers={"Retry-After": str(BUSY_S)})
        if said is Said.REFUSED:
            return httpx.Response(422, json={"error": "no such model"})
        job = self._taken(json.loads(request.content), request.headers.get("idempotency-key"))
        if said is Said.SILENT:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(201, json={"id": job.job_id})

    def _taken(self, body: dict[str, Any], header: str | None) -> Job:
        """Make a job, or return the one of the same idempotency key: a reference is no such key."""
        known = next((job for job in self.jobs if header and job.key == header), None)
        if known is not None:
            return known
        ends_us = self._world.now_us + round((0 if self._story.early else self._story.job_s) * 1_000_000)
        job = Job(f"job-{len(self.jobs) + 1}", header or body.get("reference"), ends_us)
        self.jobs.append(job)
        if self._story.calls_back and self._story.early:
            self._call(job)
        elif self._story.calls_back:
            self._world.at(ends_us, lambda: self._call(job))
        return job

    def _told(self, request: httpx.Request) -> httpx.Response:
        return self._called_off(request) if request.method == "POST" else self._asked(request)

    def _called_off(self, request: httpx.Request) -> httpx.Response:
        [job] = [job for job in self.jobs if f"/{job.job_id}/" in request.url.path]
        if job.called_off_us is not None or self._world.now_us >= job.ends_us:
            return httpx.Response(409)
        job.called_off_us = self._world.now_us
        return httpx.Response(204)

    def _asked(self, request: httpx.Request) -> httpx.Response:
        reference = request.url.params.get("reference")
        if reference is not None:
            return httpx.Response(200, json={"data": [{"id": job.job_id} for job in self.jobs if job.key == reference]})
        [job] = [job for job in self.jobs if job.job_id == request.url.path.rsplit("/", 1)[-1]]
        return httpx.Response(200, json=self._state(job))

    def _state(self, job: Job) -> dict[str, Any]:
        if self._world.now_us < job.ends_us:
            return {"id": job.job_id, "status": "processing"}
        return {"id": job.job_id, "status": self._story.status, "output": f"output of {job.job_id}"}

    def _call(self, job: Job) -> None:
        if job.called_off_us is not None:
            return
        body, at = json.dumps(self._state(job)), datetime.fromtimestamp(int(self._world.now_s), tz=UTC)
        self._call_back(
            {
                "webhook-id": f"msg_{job.job_id}",
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": Webhook(self._key).sign(f"msg_{job.job_id}", at, body),
            },
            body,
        )
