"""The embedded cloud with its faults on demand, as an ASGI app: requests that meet a fault of the plan (`faults`) go
wrong here, before and behind the emulator; beside it the route that sets the plan.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final

from headway.cloud.askers import ASKERS, Askers
from headway.cloud.faults import ANSWERED, DONE, INVOKE, KILLS, FaultPlan, Kind
from headway.cloud.routes import FAULTS_ROUTE

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

SIGNED_FOR: Final = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
API: Final = "execute-api"
SDK_CALL: Final = b"amz-sdk-invocation-id"
"""Header: the same in all attempts of an AWS SDK at one request."""
PATHS: Final = {
    r"/2015-03-31/functions/[^/]+/invocations": INVOKE,
    r"/configurationsessions": "StartConfigurationSession",
    r"/configuration": "GetLatestConfiguration",
}
"""Actions of REST services by path; those of the others are in a header, and of an API they are the methods."""
OBJECTS: Final = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
"""Actions of S3 by method, as far as functions make them."""


def with_faults(app: App, plan: FaultPlan, askers: Askers = ASKERS) -> App:
    """Return the ASGI app with its faults, and with the route that sets them."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == FAULTS_ROUTE:
            await _control(plan, scope, receive, send)
        elif plan.armed and scope["type"] == "http":
            await _serve_with_faults(app, plan, askers, scope, receive, send)
        else:
            await app(scope, receive, send)

    return serve


def meant(scope: Scope) -> tuple[str, str]:
    """Return the service and the action of an HTTP request; each is empty where it is not to be seen."""
    headers = _headers(scope)
    signed = SIGNED_FOR.search(headers.get(b"authorization", ""))
    service = signed[2] if signed else ""
    target = headers.get(b"x-amz-target", "").rpartition(".")[2]
    by_method = {API: scope.get("method", ""), "s3": OBJECTS.get(scope.get("method", ""), "")}
    by_path = (action for pattern, action in PATHS.items() if re.fullmatch(pattern, scope["path"]))
    return service, target or by_method.get(service) or next(by_path, "")


def _headers(scope: Scope) -> dict[bytes, str]:
    return {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}


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


async def _serve_with_faults(
    app: App, plan: FaultPlan, askers: Askers, scope: Scope, receive: Receive, send: Send
) -> None:
    service, action = meant(scope)
    headers, body = _headers(scope), await _body(receive)
    text = scope["path"] + body.decode(errors="replace")
    signed = SIGNED_FOR.search(headers.get(b"authorization", ""))
    asker = askers.get(signed[1]) if signed else None
    # The throttling of invocations is with Lambda itself, which knows those that come another way.
    kinds = set(Kind) - ({Kind.THROTTLE} if (service, action) == ("lambda", INVOKE) else set())
    fault = plan.met_by(service, action, text, kinds, asker, headers.get(SDK_CALL, ""))
    if fault is None or fault.kind in DONE:
        await app(scope, _again(body, receive), _drop if fault else send)
    if fault is None:
        return
    if fault.kind in KILLS and asker is not None:
        asker.kill()
    if fault.kind in ANSWERED:
        status, code = fault.answer
        await _answer(send, status, {"__type": code, "message": f"{fault.kind} on demand"}, code)
    else:
        await _hang_up(send)


async def _hang_up(send: Any) -> None:
    """End the connection of a request without an answer: `send` is a method of what uvicorn has for the request."""
    send.__self__.transport.abort()
    await asyncio.sleep(0)  # until uvicorn knows: it would answer for us


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
