"""Fetching a finished job's result (hop 11). A fetch changes nothing at the vendor, so failures are tried again."""

import json
from collections.abc import Callable
from typing import Any

from headway_lane.contract.exchange import Fetched
from headway_lane.limiter.turn import Turns
from headway_lane.messages import json_text
from headway_lane.runtime.errors import ErrorCode, FailTask, RetryLater
from headway_lane.vendor_api.attempt import BUDGET_S, repeating
from headway_lane.vendor_api.poll import filled, poll
from headway_lane.vendor_api.proxy import Proxy


def fetched(
    proxy: Proxy, vendor_name: str, place: Fetched, job_id: str, turns: Turns, sleep_s: Callable[[float], None]
) -> Any:
    """Return the vendor's result as a JSON value; every attempt takes a turn of its own.

    Raises FailTask: `Result.Unavailable` where the vendor does not give it within the budget.
    """
    retrying = repeating(lambda error: isinstance(error, RetryLater), sleep_s)
    try:
        return retrying(_attempt, proxy, vendor_name, place, job_id, turns)
    except RetryLater as error:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name}: {error} for {BUDGET_S:.0f} s") from error


def _attempt(proxy: Proxy, vendor_name: str, place: Fetched, job_id: str, turns: Turns) -> Any:
    try:
        path = filled(place.path, job_id=job_id)
    except ValueError as error:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name}: {error}") from error
    answer = poll(proxy, "GET", path, place.timeout_s, turns)
    if not answer.is_success:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name} answered HTTP {answer.status_code}")
    try:
        return json.loads(json_text.tidy(json_text.read(answer.content)))
    except ValueError as error:
        raise FailTask(ErrorCode.VENDOR_ANSWER_UNREADABLE, f"{vendor_name}'s result is not JSON") from error
