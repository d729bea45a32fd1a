"""Replicate's predictions API, as documented at https://replicate.com/docs/reference/http.

In: predictions to create, read and cancel. Out: predictions, Replicate's errors, and webhooks signed by Standard
Webhooks. The model behind it answers every input with `{"echo": input}`.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
from headway_lane.contract.limits import Scope
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headway.simulator.jobs import RETRY_IN_FLIGHT_S, Job, JobEvent, Order, Status, TooManyInFlight
from headway.simulator.shape import ShapeParts

SUBMIT_PATH = "/v1/predictions"


class OrderError(ValueError):
    """The body of a submit is not an order; the text says which field and why."""


class Replicate:
    """The routes of one simulated Replicate; every prediction says itself where to call back."""

    name = "replicate"

    def __init__(self, parts: ShapeParts) -> None:
        self._offer = parts.offer
        self._faults = parts.faults
        self._jobs = parts.jobs
        self._callbacks = parts.callbacks
        self._background = parts.background

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        one = SUBMIT_PATH + "/{prediction_id}"
        return [
            Route(SUBMIT_PATH, self.create, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one + "/cancel", self.cancel, methods=["POST"]),
        ]

    def scope_of(self, request: Request) -> Scope:
        """Count creating a prediction apart from all other calls, as Replicate does."""
        creates = request.method == "POST" and request.url.path == SUBMIT_PATH
        return Scope.SUBMIT if creates else Scope.POLL

    def throttled(self, retry_after_s: int) -> Response:
        """Build the 429."""
        unit = "second" if retry_after_s == 1 else "seconds"
        detail = f"Request was throttled. Expected available in {retry_after_s} {unit}."
        return _problem(429, "Too Many Requests", detail, headers={"Retry-After": str(retry_after_s)})

    def unavailable(self) -> Response:
        """Build the 503."""
        return _problem(503, "Service Unavailable", "The service is down.")

    async def create(self, request: Request) -> Response:
        """Accept a prediction: 201, and its work begins once the answer is out."""
        if refusal := self._unauthenticated(request):
            return refusal
        try:
            order = read_order(await request.body(), base_url=str(request.base_url))
        except OrderError as error:
            return _problem(422, "Input validation failed", str(error))
        try:
            job, is_new = self._jobs.accept(order, request.headers.get("idempotency-key"))
        except TooManyInFlight:
            return self.throttled(RETRY_IN_FLIGHT_S)
        first_state = prediction(job)
        if is_new and self._faults.early_callbacks:
            await self._jobs.finish_early(job, self._announce)
        await asyncio.sleep(self._jobs.answer_time_s())
        begin = BackgroundTask(self._begin, job) if is_new else None
        return JSONResponse(first_state, status_code=201, background=begin)

    async def get(self, request: Request) -> Response:
        """Return a prediction as it is now."""
        if refusal := self._unauthenticated(request):
            return refusal
        job = self._jobs.by_id.get(request.path_params["prediction_id"])
        return _not_found() if job is None or self._faults.lost_jobs else JSONResponse(prediction(job))

    async def cancel(self, request: Request) -> Response:
        """Cancel a prediction that has not ended; one that has is returned as it is."""
        if refusal := self._unauthenticated(request):
            return refusal
        job = self._jobs.by_id.get(request.path_params["prediction_id"])
        if job is None:
            return _not_found()
        if not job.status.final:
            job.end(Status.CANCELED)
            self._announce(job, JobEvent.COMPLETED)
        return JSONResponse(prediction(job))

    async def _begin(self, job: Job) -> None:
        self._background.spawn(self._jobs.work(job, self._announce, self._offer.job_time_s + self._faults.slow_job_s))

    def _announce(self, job: Job, event: JobEvent) -> list[asyncio.Task[None]]:
        """Send the callback of `event`, if the caller wants it; return its delivery."""
        if job.order.callback_url is None or event not in job.order.events:
            return []
        body = prediction(job)
        forged_body = {**body, "status": Status.SUCCEEDED, "output": {"echo": "forged"}, "error": None}
        delivery = self._callbacks.deliver(job.order.callback_url, f"msg_{job.job_id}_{event}", body, forged_body)
        return [self._background.spawn(delivery)]

    def _unauthenticated(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self._offer.keys.api_token}":
            return None
        return _problem(401, "Unauthenticated", "You did not pass a valid authentication token")


def read_order(raw: bytes, *, base_url: str) -> Order:
    """Read the body of a submit; raise OrderError naming the field that is wrong."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise OrderError("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise OrderError("the body is not a JSON object")
    if not isinstance(body.get("input"), dict):
        raise OrderError("input: an object is required")
    if not isinstance(body.get("version"), str):
        raise OrderError("version: a string is required")
    return Order(
        payload=body["input"],
        version=body["version"],
        callback_url=_read_webhook(body),
        events=_read_events(body),
        base_url=base_url,
    )


def prediction(job: Job) -> dict[str, Any]:
    """Render `job` as Replicate's prediction object."""
    own_url = f"{job.order.base_url.rstrip('/')}{SUBMIT_PATH}/{job.job_id}"
    started_at, completed_at = job.started_at, job.completed_at
    return {
        "id": job.job_id,
        "model": "headway/echo",
        "version": job.order.version,
        "input": job.order.payload,
        "status": job.status.value,
        "output": {"echo": job.order.payload} if job.status is Status.SUCCEEDED else None,
        "error": "the model failed" if job.status is Status.FAILED else None,
        "logs": job.logs,
        "metrics": {"predict_time": (completed_at - started_at).total_seconds()} if started_at and completed_at else {},
        "created_at": job.created_at.isoformat(),
        "started_at": started_at.isoformat() if started_at else None,
        "completed_at": completed_at.isoformat() if completed_at else None,
        "urls": {"get": own_url, "cancel": f"{own_url}/cancel"},
    }


def _read_webhook(body: Mapping[str, Any]) -> str | None:
    webhook = body.get("webhook")
    if webhook is None:
        return None
    try:
        url = httpx.URL(webhook)
    except (TypeError, httpx.InvalidURL):
        raise OrderError("webhook: not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise OrderError("webhook: an http or https URL is required")
    return str(webhook)


def _read_events(body: Mapping[str, Any]) -> frozenset[JobEvent]:
    wanted = body.get("webhook_events_filter")
    if wanted is None:
        return frozenset(JobEvent)
    try:
        return frozenset(JobEvent(name) for name in wanted)
    except (TypeError, ValueError):
        raise OrderError(f"webhook_events_filter: a list of {', '.join(JobEvent)} is required") from None


def _not_found() -> Response:
    return _problem(404, "Not Found", "The requested resource could not be found.")


def _problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"title": title, "detail": detail, "status": status}, status_code=status, headers=headers)
