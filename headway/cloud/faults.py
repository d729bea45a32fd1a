"""Faults on demand: a request of the embedded cloud fails, or its answer is lost, where somebody has asked for it.

`POST /_headway/faults` with `{"faults": [...]}` replaces all faults, `GET` says how often each was met, `DELETE` takes
them away. Without any, a request costs one look at an empty list. Tests use `headway.testing.faults`.

A fault names the service as requests are signed (AppConfig's data plane is `appconfig`), and is for those requests
that come over HTTP: from functions, tools and tests; of a state machine only what calls an API. Only the throttling of
Lambda's Invoke holds for every invocation, also of machines and event source mappings (`patches.faults`).
"""

import json
import re
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, MutableMapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

from headway.cloud.routes import FAULTS_ROUTE

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

INVOKE: Final = "Invoke"
SIGNED_FOR: Final = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
PATHS: Final = {
    r"/2015-03-31/functions/[^/]+/invocations": INVOKE,
    r"/configurationsessions": "StartConfigurationSession",
    r"/configuration": "GetLatestConfiguration",
}
"""Actions of REST services by path; those of the others are in a header."""


class Kind(StrEnum):
    """What happens to a request."""

    THROTTLE = "throttle"
    """It is refused as too many, before its effect."""
    ERROR = "error"
    """It fails with 500, before its effect."""
    LOST = "lost"
    """It has its effect, and its answer is 500: SDKs repeat it."""


THROTTLES: Final = {
    "appconfig": (429, "ThrottlingException"),
    "dynamodb": (400, "ProvisionedThroughputExceededException"),
    "lambda": (429, "TooManyRequestsException"),
    "secretsmanager": (400, "ThrottlingException"),
    "sqs": (400, "RequestThrottled"),
    "states": (400, "ThrottlingException"),
}
"""Status and code by service (botocore's models, and `_retry.json` for those that no model names)."""
FAILURE: Final = (500, "InternalServerError")


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to which requests: those of a service, of an action, and with a text in their path or body.

    The first `skip` of them pass; then `count` are met (None: all), of which `ratio` says the share, drawn from `seed`.
    `code` is instead of the service's own: `ThrottlingException` of a table on demand.
    """

    service: str
    kind: Kind
    action: str = "*"
    containing: str = ""
    skip: int = 0
    count: int | None = None
    ratio: float = 1.0
    seed: int = 1
    code: str | None = None

    def concerns(self, service: str, action: str, text: str) -> bool:
        """Return whether a request is meant."""
        return self.service == service and self.action in ("*", action) and self.containing in text

    @property
    def answer(self) -> tuple[int, str]:
        """Return the status and the code that the requester gets."""
        status, code = THROTTLES.get(self.service, (400, "ThrottlingException"))
        if self.kind is not Kind.THROTTLE:
            status, code = FAILURE
        return status, self.code or code


@dataclass(slots=True)
class Armed:
    """A fault, and how often it was asked and met."""

    fault: Fault
    concerned_count: int = 0
    met_count: int = 0
    draws: Random = field(init=False)

    def __post_init__(self) -> None:
        self.draws = Random(self.fault.seed)  # noqa: S311 - to be repeated is the point

    def meets(self) -> bool:
        """Count one more request, and say whether it is met."""
        self.concerned_count += 1
        fault = self.fault
        if self.concerned_count <= fault.skip or (fault.count is not None and self.met_count >= fault.count):
            return False
        if fault.ratio < 1 and self.draws.random() >= fault.ratio:
            return False
        self.met_count += 1
        return True


class FaultPlan:
    """All faults that are asked for; may be asked from any thread."""

    def __init__(self) -> None:
        self.armed: list[Armed] = []
        self._lock = threading.Lock()

    def replace(self, faults: Collection[Fault]) -> None:
        """Forget all, and take these."""
        self.armed = [Armed(fault) for fault in faults]

    def met_by(self, service: str, action: str, text: str, kinds: Collection[Kind] = tuple(Kind)) -> Fault | None:
        """Return the first fault that meets a request, or None."""
        with self._lock:
            for armed in self.armed:
                fault = armed.fault
                if fault.kind in kinds and fault.concerns(service, action, text) and armed.meets():
                    return fault
        return None

    def document(self) -> dict[str, Any]:
        """Return all faults with their counts."""
        counts = ("concerned_count", "met_count")
        return {"faults": [asdict(each.fault) | {name: getattr(each, name) for name in counts} for each in self.armed]}

    def read(self, document: Any) -> None:
        """Take the faults of a document. Raises ValueError, TypeError or KeyError, and then changes nothing."""
        self.replace([Fault(**{**fault, "kind": Kind(fault["kind"])}) for fault in document["faults"]])


PLAN: Final = FaultPlan()
"""What the server that runs in this process has been asked for."""


def meant(scope: Scope) -> tuple[str, str]:
    """Return the service and the action of an HTTP request; each is empty where it is not to be seen."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    signed = SIGNED_FOR.search(headers.get(b"authorization", ""))
    target = headers.get(b"x-amz-target", "").rpartition(".")[2]
    by_path = (action for pattern, action in PATHS.items() if re.fullmatch(pattern, scope["path"]))
    return (signed[1] if signed else ""), target or next(by_path, "")


def with_faults(app: App, plan: FaultPlan) -> App:
    """Return the ASGI app with its faults, and with the route that sets them."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == FAULTS_ROUTE:
            await _control(plan, scope, receive, send)
        elif plan.armed and scope["type"] == "http":
            await _serve_with_faults(app, plan, scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


async def _control(plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "DELETE":
        plan.replace([])
    elif scope["method"] == "POST":
        try:
            plan.read(json.loads(await _body(receive)))
        except (KeyError, TypeError, ValueError) as error:
            await _answer(send, 400, {"message": f"{type(error).__name__}: {error}"}, "ValidationException")
            return
    await _answer(send, 200, plan.document())


async def _serve_with_faults(app: App, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
    service, action = meant(scope)
    body = await _body(receive)
    text = scope["path"] + body.decode(errors="replace")
    # The throttling of invocations is with Lambda itself, which knows those that come another way.
    kinds = set(Kind) - ({Kind.THROTTLE} if (service, action) == ("lambda", INVOKE) else set())
    fault = plan.met_by(service, action, text, kinds)
    if fault is None or fault.kind is Kind.LOST:
        await app(scope, _again(body, receive), _drop if fault else send)
    if fault is not None:
        status, code = fault.answer
        await _answer(send, status, {"__type": code, "message": f"{fault.kind} on demand"}, code)


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then what comes after it."""
    events: list[Event] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Event:
        return events.pop() if events else await receive()

    return give


async def _drop(event: Event) -> None:
    del event


async def _answer(send: Send, status: int, document: Any, code: str = "") -> None:
    headers = [(b"content-type", b"application/x-amz-json-1.0")]
    if code:
        headers.append((b"x-amzn-errortype", code.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})
