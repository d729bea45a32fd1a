"""The vendor at the end of a lane, which treats each call as the story says that its payload is tagged with.

In: submits with a `tag`, the name of an execution. Out: the simulator's answers and callbacks, and notes of what came.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headway_lane.vendor_api.attempt import LONGEST_PAUSE_S
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headway.simulator.composed_event import compose
from headway.simulator.described import HANG_S, Described
from headway.simulator.jobs import Job, JobEvent, Status
from headway.simulator.shape import ShapeParts
from tests.matrix.stories import Said, Story
from tests.matrix.vendor import Submit

TAG: Final = "tag"
BUSY_S: Final = math.ceil(LONGEST_PAUSE_S) + 1
"""Retry-After of a vendor that is busy: more than a caller waits by itself. All calls of the lane wait as long."""


@dataclass(slots=True)
class Notes:
    """The story of each tag, and what the vendor has seen of it: all submits, and the IDs of its jobs."""

    stories: dict[str, Story] = field(default_factory=dict)
    submits: dict[str, list[Submit]] = field(default_factory=dict)
    jobs: dict[str, list[str]] = field(default_factory=dict)


class StoryVendor(Described):
    """A vendor that a contract describes, with a temper for each call."""

    def __init__(self, contract: Mapping[str, Any], notes: Notes, parts: ShapeParts) -> None:
        super().__init__(contract, parts)
        self._notes = notes

    async def create(self, request: Request) -> Response:
        """Say what the story of the call says to its submits in turn, then take it."""
        tag = (await request.json())[TAG]
        story, submits = self._notes.stories[tag], self._notes.submits.setdefault(tag, [])
        said = story.says[len(submits)] if len(submits) < len(story.says) else Said.TAKEN
        submits.append(Submit(time.time_ns() // 1_000, said))
        if said is Said.BUSY:
            return self.throttled(BUSY_S)
        if said is Said.REFUSED:
            return JSONResponse({"error": "no such model"}, status_code=422)
        self._faults.early_callbacks = story.early  # the body is read: nothing comes between here and where it counts
        answer = await super().create(request)
        if said is Said.SILENT:
            await asyncio.sleep(self._vendor.submit.timeout_s + HANG_S)
        return answer

    def _accepted(self, job: Job) -> Response:
        known = self._notes.jobs.setdefault(self._tag(job), [])
        if job.job_id not in known:
            known.append(job.job_id)
        return super()._accepted(job)

    async def _begin(self, job: Job) -> None:
        job.will_fail = self._notes.stories[self._tag(job)].status == Status.FAILED
        await super()._begin(job)

    def _announce(self, job: Job, event: JobEvent) -> list[asyncio.Task[None]]:
        """Call back once, at the end, and say for which call."""
        url, tag = job.order.callback_url, self._tag(job)
        if url is None or event is not JobEvent.COMPLETED or not self._notes.stories[tag].calls_back:
            return []
        output = {"echo": job.order.payload}
        told = {**compose(self._vendor, job.job_id, job.status.value, output), TAG: tag}
        return [self._background.spawn(self._callbacks.deliver(url, f"msg_{job.job_id}", told, told))]

    @staticmethod
    def _tag(job: Job) -> str:
        return str(job.order.payload[TAG])
