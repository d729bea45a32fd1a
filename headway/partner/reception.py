"""A webhook in the foreground that judges what comes in: for a partner who tries a sender without an account at AWS."""

import time
from collections.abc import Callable, Sequence

import uvicorn
from headway_lane.contract.exchange import Callback
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headway.partner.judgement import Judgement, judge
from headway.simulator.server import LOOPBACK, listen


def serve(
    vendor_name: str,
    callback: Callback,
    keys: Sequence[str],
    port: int,
    on_ready: Callable[[str], None],
    on_callback: Callable[[Judgement], None],
) -> None:
    """Serve `POST /callbacks/<vendor>` on 127.0.0.1 until Ctrl-C; every callback is acknowledged as the contract says.

    Port 0 takes a free one. Raises PortInUse before serving.
    """
    path = f"/callbacks/{vendor_name}"
    with listen(LOOPBACK, port) as listener:
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}{path}"
        said = callback.acknowledgement

        async def receive(request: Request) -> Response:
            on_callback(judge(callback, await request.body(), request.headers, keys, time.time(), url))
            return Response(said.body, said.status, media_type="application/json")

        on_ready(url)
        app = Starlette(routes=[Route(path, receive, methods=["POST"])])
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")).run([listener])
