"""One poll of a job, for its result, for how it stands or for its ID: nothing changes at the vendor, so it may be
repeated.
"""

from urllib.parse import quote

import httpx

from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import RetryLater
from headway_lane.vendor_api.proxy import Proxy, cool_down_asked


def filled(path: str, **ids: str) -> str:
    """Return a path of the contract with IDs in their places, encoded so that none can leave its own."""
    return path.format(**{name: quote(value, safe="") for name, value in ids.items()})


def poll(proxy: Proxy, method: str, path: str, timeout_s: float, turns: Turns) -> httpx.Response:
    """Take a turn, ask once, and return the answer. RetryLater on 429, 5xx and silence."""
    turns.take()
    try:
        answer = proxy.send(method, path, timeout_s)
    except httpx.TransportError as error:
        turns.failed()
        raise RetryLater(f"no answer ({type(error).__name__})") from error
    turns.answered()
    cool_down = cool_down_asked(answer)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
        if answer.is_server_error:
            turns.failed()
        if cool_down:
            turns.refused(cool_down)
        raise RetryLater(f"HTTP {answer.status_code}", cool_down.asked_s if cool_down else None)
    turns.succeeded(cool_down)
    return answer
