"""Patched HTTP_PROXY of the emulator: what the backend says comes through, what belongs to a connection does not."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from ministack.services import apigateway_v1

from headway.cloud.patches import proxy_headers

Answer = tuple[int, dict[str, str], bytes]
BACKEND = "http://vendor.example/v1/jobs"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[httpx.Request], httpx.Response]], None]:
    """Patch the emulator for one test, with a backend that is not on a network."""
    for name in ("_urlopen_async", "_invoke_http_proxy_v1"):
        monkeypatch.setattr(apigateway_v1, name, getattr(apigateway_v1, name))
    proxy_headers.apply()

    def serve(answer: Callable[[httpx.Request], httpx.Response]) -> None:
        transport = httpx.MockTransport(answer)
        monkeypatch.setattr(proxy_headers, "_client", lambda: httpx.AsyncClient(transport=transport))

    return serve


async def call(uri: str = BACKEND, body: bytes = b"") -> Answer:
    invoke: Any = apigateway_v1._invoke_http_proxy_v1
    answer: Answer = await invoke({"uri": uri}, "/v1/jobs", "POST", {"X-Mark": "1"}, body, {})
    return answer


def test_what_a_vendor_says_about_its_limits_comes_through_with_a_refusal(backend: Any) -> None:
    said = {"Retry-After": "7", "RateLimit": '"default";r=0;t=7', "X-RateLimit-Reset": "7"}
    backend(lambda request: httpx.Response(429, json={"detail": "slow down"}, headers=said))
    status, headers, body = asyncio.run(call())
    assert (status, body) == (429, b'{"detail":"slow down"}')
    assert headers.items() >= {name.lower(): value for name, value in said.items()}.items()
    assert headers["Content-Type"] == "application/json"


def test_the_request_goes_on_as_it_came(backend: Any) -> None:
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(201, json={})

    backend(answer)
    asyncio.run(call(body=b'{"a": 1}'))
    (request,) = heard
    assert (request.method, str(request.url), request.content) == ("POST", BACKEND, b'{"a": 1}')
    assert request.headers["x-mark"] == "1"


@pytest.mark.parametrize("name", sorted(proxy_headers.HOP_BY_HOP - {"content-type", "content-encoding"}))
def test_what_belongs_to_one_connection_stays_there(backend: Any, name: str) -> None:
    backend(lambda request: httpx.Response(200, headers={name: "0"}))
    assert name not in asyncio.run(call())[1]


def test_what_the_gateway_writes_itself_comes_through_under_another_name(backend: Any) -> None:
    said = {"Date": "Tue, 21 Dec 2021 14:51:23 GMT", "Server": "vendor", "WWW-Authenticate": "Basic"}
    backend(lambda request: httpx.Response(200, headers=said))
    headers = asyncio.run(call())[1]
    assert headers.items() >= {f"x-amzn-remapped-{name.lower()}": value for name, value in said.items()}.items()
    assert not {name.lower() for name in said} & set(headers)


def test_calls_at_one_time_do_not_mix_their_headers(backend: Any) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        number = request.url.path.rpartition("/")[2]
        await asyncio.sleep(0)
        return httpx.Response(200, headers={f"x-{number}": number})

    async def together() -> list[Answer]:
        return await asyncio.gather(*(call(f"http://vendor.example/{number}") for number in range(5)))

    backend(answer)
    for number, (_, headers, _) in enumerate(asyncio.run(together())):
        assert {name for name in headers if name.startswith("x-")} == {f"x-{number}"}


def test_a_backend_that_is_not_there_is_the_gateways_own_error(backend: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    backend(answer)
    error: Any = asyncio.run(call())
    assert isinstance(error, apigateway_v1._GatewayError)
