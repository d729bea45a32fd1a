"""One poll of a job, for its result, for how it stands or for its ID: nothing changes at the vendor, so it may be
repeated.
"""

from functools import partial
from urllib.parse import quote

import httpx

from headway_lane.contract import paths
from headway_lane.contract.answers import QUESTION, Rules
from headway_lane.limiter.turn import Turns
from headway_lane.vendor_api.attempt import attempt
from headway_lane.vendor_api.proxy import Proxy


def filled(path: str, **ids: str) -> str:
    """Return a path of the contract with IDs in their places, encoded so that none can leave its own.

    Raises ValueError where encoding does not help: an ID that is empty, or that leads elsewhere as a part of a path.
    """
    whole = path.format(**{name: quote(value, safe="") for name, value in ids.items()})
    if not all(ids.values()) or any(paths.leaves_its_place(part) for part in whole.partition("?")[0].split("/")):
        raise ValueError(f"{' and '.join(ids)} can be no part of the path `{path}`")
    return whole


def poll(
    proxy: Proxy, method: str, path: str, timeout_s: float, turns: Turns, rules: Rules = QUESTION
) -> httpx.Response:
    """Take a turn, with a connection made before it, ask once, and return the answer. RetryLater on silence and on what
    the `rules` take for no answer (429 and 5xx unless they say else), whatever of it is InDoubt: a question may always
    be asked again.
    """
    send = partial(proxy.send, method, path, timeout_s)
    return attempt(turns, send, ready=proxy.connect_ahead, named=proxy.limit_headers, rules=rules)
