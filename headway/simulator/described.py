"""Any vendor that a contract file describes: the file read from the other side of the counter.

In: jobs to submit, to look up and to read, by the contract's own words. Out: answers, and callbacks in its shape. The
model behind it answers every payload with `{"echo": payload}`.
"""

import asyncio
import json
import random
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from headway_lane.contract import paths
from headway_lane.contract.exchange import Ambiguity, BodyFormat, Fetched, Header, Lookup, Query
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headway.simulator.composed_event import compose
from headway.simulator.jobs import RETRY_IN_FLIGHT_S, Job, JobEvent, Order, Status, TooManyInFlight
from headway.simulator.shape import ShapeParts
from headway.simulator.words import CallbackWords, polled_words

HANG_S = 2.0  # beyond the caller's patience
_KEY = "idempotency_key"  # as paths of a lookup name its place


class Described:
    """The routes of one simulated vendor, as its contract describes them."""

    def __init__(self, contract: Mapping[str, Any], parts: ShapeParts) -> None:
        self._vendor = Vendor.from_document(contract)
        self._words = CallbackWords.of(contract)
        self._polled = polled_words(contract.get("poll", {}))
        self._account = parts.account
        self._offer = parts.offer
        self._faults = parts.faults
        self._jobs = parts.jobs
        self._callbacks = parts.callbacks
        self._background = parts.background
        self._draw = random.Random(parts.offer.seed).random  # noqa: S311 - repeatable, not secret
        submit = self._vendor.submit
        self._deduplicates = submit.ambiguity is not Ambiguity.ASK or submit.idempotency_header is not None
        self._key = parts.offer.keys.webhook_key(self._vendor.callback.verification) if self._vendor.callback else None
        self.name = self._vendor.name

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        submit, result = self._vendor.submit, self._vendor.result
        found = [Route(submit.path, self.create, methods=[submit.method])]
        if submit.lookup:  # before the jobs: its path may look like that of one
            path = submit.lookup.path.partition("?")[0]
            found.append(Route(path, partial(self.look_up, submit.lookup), methods=["GET"]))
        places = [(result.path, "GET")] if isinstance(result, Fetched) else []
        if poll := self._vendor.poll:
            places.append((poll.path, poll.method))
        if cancel := self._vendor.cancel:
            found.append(Route(cancel.path, self.cancel, methods=[cancel.method]))
        found += [Route(path, self.get, methods=[method]) for path, method in dict.fromkeys(places)]
        return found

    def scope_of(self, request: Request) -> Scope:
        """Count submits apart from all other calls."""
        submit = self._vendor.submit
        return Scope.SUBMIT if (request.method, request.url.path) == (submit.method, submit.path) else Scope.POLL

    def throttled(self, retry_after_s: int) -> Response:
        """Build the 429."""
        return _problem(429, "too many requests", {"Retry-After": str(retry_after_s)})

    def unavailable(self) -> Response:
        """Build the 503."""
        return _problem(503, "the service is down")

    async def create(self, request: Request) -> Response:
        """Accept a job: 201 with its ID where the contract reads it, and its work begins once the answer is out."""
        if refusal := self._unauthenticated(request):
            return refusal
        body = self._read(await request.body())
        if body is None:
            return _problem(422, f"the body is not a {self._vendor.submit.body} object")
        place = self._vendor.submit.callback_key
        if place and paths.read(body, place) != self._key:
            return _problem(422, f"{place} is not the account's webhook key")  # a real vendor would take any
        trouble = self._draw()
        if trouble < self._faults.error_ratio / 2:
            return self.unavailable()
        try:
            order, key = self._order(request, body), self._idempotency_key(request, body)
            job, is_new = self._jobs.accept(order, key, deduplicates=self._deduplicates)
        except TooManyInFlight:
            return self.throttled(RETRY_IN_FLIGHT_S)
        wordless = self._words.failure is None and Status.FAILED not in self._polled
        if wordless or self._faults.no_failures:
            job.will_fail = False
        if is_new and (self._faults.early_callbacks or self._draw() < self._faults.early_ratio):
            await self._jobs.finish_early(job, self._announce)
        await asyncio.sleep(self._jobs.answer_time_s() + self._faults.slow_answer_s)
        if trouble > 1 - self._faults.hang_ratio:
            if is_new:
                await self._begin(job)
            await asyncio.sleep(self._vendor.submit.timeout_s + HANG_S)
            return self._accepted(job)
        broken = trouble < self._faults.error_ratio
        answer = _problem(500, "the job was taken, then something broke") if broken else self._accepted(job)
        answer.background = BackgroundTask(self._begin, job) if is_new else None
        return answer

    async def get(self, request: Request) -> Response:
        """Return a job as it is now."""
        if refusal := self._unauthenticated(request):
            return refusal
        job = self._jobs.by_id.get(request.path_params["job_id"])
        if job is None or self._faults.lost_jobs:
            return _problem(404, "there is no such job")
        done = job.status is Status.SUCCEEDED
        answer: dict[str, Any] = {"job": job.job_id, **({"output": _output(job)} if done else {})}
        word = self._polled.get(job.status)
        if word is None or self._vendor.poll is None:
            return JSONResponse(answer)
        if self._vendor.poll.status is None:  # the result may be at the same place, for another method
            asked = request.method == self._vendor.poll.method
            return JSONResponse(answer, status_code=int(word) if asked else 200)
        return JSONResponse(paths.write(answer, self._vendor.poll.status, word))

    async def cancel(self, request: Request) -> Response:
        """Call off a job that has not ended, without a callback; 409 for one that has."""
        if refusal := self._unauthenticated(request):
            return refusal
        job = self._jobs.by_id.get(request.path_params["job_id"])
        if job is None or self._faults.lost_jobs:
            return _problem(404, "there is no such job")
        if job.status.final:
            return _problem(409, "the job has ended")
        job.end(Status.CANCELED)
        return JSONResponse({"job": job.job_id})

    async def look_up(self, lookup: Lookup, request: Request) -> Response:
        """Return the ID of the job that was submitted with a key, where the contract reads it; without one, nothing."""
        if refusal := self._unauthenticated(request):
            return refusal
        job = self._jobs.job_of_key(asked_key(lookup.path, request))
        return JSONResponse(shaped(lookup.job_id, job.job_id) if job else {})

    def _read(self, raw: bytes) -> Mapping[str, Any] | None:
        if self._vendor.submit.body is BodyFormat.FORM:
            return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))
        try:
            body = json.loads(raw)
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def _idempotency_key(self, request: Request, body: Mapping[str, Any]) -> str | None:
        """Return the key of a submit, from the header or from the field of the contract."""
        submit = self._vendor.submit
        if submit.idempotency_header and submit.idempotency_header in request.headers:
            return request.headers[submit.idempotency_header]
        return paths.identifier(paths.read(body, submit.idempotency_field)) if submit.idempotency_field else None

    def _order(self, request: Request, body: Mapping[str, Any]) -> Order:
        place = self._vendor.submit.callback_url
        if isinstance(place, Query):
            url = request.query_params.get(place.name)
        else:
            url = self._account.callback_url if place is None else paths.read(body, place)
        told = {place, self._vendor.submit.callback_key, self._vendor.submit.idempotency_field}
        payload = {name: value for name, value in body.items() if name not in told}
        return Order(payload, "", url, frozenset(JobEvent), str(request.base_url))

    def _accepted(self, job: Job) -> Response:
        place = self._vendor.submit.job_id
        if isinstance(place, Header):
            location = f"{job.order.base_url.rstrip('/')}{self._vendor.submit.path}/{job.job_id}"
            return Response(status_code=201, headers={place.name: location})
        return JSONResponse(paths.write({}, place, job.job_id), status_code=201)

    async def _begin(self, job: Job) -> None:
        job_time_s = self._offer.job_time_s + self._faults.slow_job_s
        self._background.spawn(self._jobs.work(job, self._announce, job_time_s))

    def _announce(self, job: Job, event: JobEvent) -> list[asyncio.Task[None]]:
        """Send the callback of `event`, where the contract has a word for it; return its delivery."""
        url, callback = job.order.callback_url, self._vendor.callback
        if url is None or callback is None or event not in (JobEvent.START, JobEvent.COMPLETED):
            return []
        if event is JobEvent.START:
            word = self._words.progress
        else:
            word = self._words.success if job.status is Status.SUCCEEDED else self._words.failure
        if word is None and (event is JobEvent.START or callback.status is not None):
            return []
        genuine = compose(self._vendor, job.job_id, word, _output(job))
        forged = compose(self._vendor, job.job_id, self._words.success, {"echo": "forged"})
        delivery = self._callbacks.deliver(url, f"msg_{job.job_id}_{event}", genuine, forged)
        return [self._background.spawn(delivery)]

    def _unauthenticated(self, request: Request) -> Response | None:
        credential = self._vendor.credential
        for name, value in self._vendor.headers.items():
            if request.headers.get(name) != value:
                return _problem(400, f"{name} is not {value}")
        if credential is None or request.headers.get(credential.header) == credential.value(self._offer.keys.api_token):
            return None
        return _problem(401, f"{credential.header} does not carry the account's token")


def asked_key(path: str, request: Request) -> str | None:
    """Read the idempotency key of a lookup out of its path or its query, where the contract's `path` has it."""
    in_path = request.path_params.get(_KEY)
    if in_path is not None:
        return str(in_path)
    for name, words in parse_qsl(path.partition("?")[2]):
        before, place, after = words.partition(f"{{{_KEY}}}")
        if place:
            return request.query_params.get(name, "").removeprefix(before).removesuffix(after)
    return None


def shaped(path: str, value: Any) -> Any:
    """Return the smallest document that has a value at a dotted path; where a part is a number, that is a list."""
    for part in reversed(path.split(".")):
        value = [*[None] * int(part), value] if part.isdecimal() else {part: value}
    return value


def _output(job: Job) -> dict[str, Any]:
    return {"echo": job.order.payload}


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": detail}, status_code=status, headers=dict(headers or {}))
