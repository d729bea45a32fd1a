"""HTTP_PROXY passes the backend's response headers on, as API Gateway does; ministack keeps Content-Type only.

Without it a laptop's vendor could not say `Retry-After`. `Date` and the like, which the gateway writes itself, become
`x-amzn-Remapped-...`, and what is of one connection goes (the table in "Amazon API Gateway important notes"). The
backend is called over kept connections, as API Gateway does, instead of a new one per request on a thread.
"""

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Final
from urllib.request import Request

import httpx
from ministack.services import apigateway_v1

HOP_BY_HOP: Final = frozenset(
    {"content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "proxy-authenticate", "te"}
    | {"trailer", "transfer-encoding", "upgrade", "via"}
)
"""Headers of one connection, or those that the gateway writes itself (httpx has undone the encoding)."""
REMAPPED: Final = {
    name: f"x-amzn-remapped-{name}"
    for name in ("authorization", "connection", "content-md5", "date", "max-forwards", "server", "user-agent")
} | {"www-authenticate": "x-amzn-remapped-www-authenticate"}
"""What the gateway has of its own, or nobody's: the backend's goes under another name."""
IDLE_S: Final = 4.0
"""Kept connections are given up before servers do that themselves (uvicorn: 5 s): a request must not meet a close."""

_passed_on: ContextVar[dict[str, str] | None] = ContextVar("passed_on", default=None)


@cache
def _client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_S)
    return httpx.AsyncClient(trust_env=False, limits=limits)


async def _open(request: Request, timeout_s: float) -> tuple[int, Mapping[str, str], bytes]:
    """Call the backend, whatever its status, and note its headers."""
    content: Any = request.data
    answer = await _client().request(
        request.get_method(),
        request.full_url,
        content=content,
        headers=dict(request.header_items()),
        timeout=timeout_s,
    )
    noted = _passed_on.get()
    if noted is not None:
        noted.update(
            {REMAPPED.get(name, name): value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
        )
    return answer.status_code, {"Content-Type": answer.headers.get("content-type", "application/json")}, answer.content


def apply() -> None:
    """Replace the integration's HTTP client, and add the headers that it noted."""
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type] # else httpcore looks for it on disk at each await
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def invoke_with_headers(*args: Any, **options: Any) -> Any:
        noted: dict[str, str] = {}
        _passed_on.set(noted)
        answer = await invoke(*args, **options)
        if not isinstance(answer, tuple):
            return answer  # the gateway's own error: no backend has answered
        status, headers, body = answer
        return status, {**noted, **headers}, body

    apigateway_v1._urlopen_async = _open
    apigateway_v1._invoke_http_proxy_v1 = invoke_with_headers
