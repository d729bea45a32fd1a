"""Fetching a finished job's result from the vendor (hop 11). It changes nothing there, so it may be repeated."""

import json
from typing import Any

from headway_lane.contract.answers import Meaning, result_rules
from headway_lane.contract.exchange import Fetched
from headway_lane.limiter.turn import Turns
from headway_lane.messages import json_text
from headway_lane.runtime.errors import ErrorCode, FailTask, RetryLater
from headway_lane.vendor_api.meaning import met
from headway_lane.vendor_api.poll import filled, poll
from headway_lane.vendor_api.proxy import Proxy


def fetched(proxy: Proxy, vendor_name: str, place: Fetched, job_id: str, turns: Turns) -> Any:
    """Take a turn, ask once, and return the vendor's result as a JSON value.

    Raises RetryLater where the vendor does not answer now, or has no result yet, and FailTask where it answers without
    one.
    """
    try:
        path = filled(place.path, job_id=job_id)
    except ValueError as error:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name}: {error}") from error
    rules = result_rules(place.answers)
    answer = poll(proxy, "GET", path, place.timeout_s, turns, rules)
    found = met(rules, answer)
    if found and found.rule.means is Meaning.PENDING:
        raise RetryLater(f"HTTP {answer.status_code}: the result is not there yet")
    if not found or found.rule.means is not Meaning.DONE:
        raise FailTask(ErrorCode.RESULT_UNAVAILABLE, f"{vendor_name} answered HTTP {answer.status_code}")
    try:
        return json.loads(json_text.tidy(json_text.read(answer.content)))
    except ValueError as error:
        raise FailTask(ErrorCode.VENDOR_ANSWER_UNREADABLE, f"{vendor_name}'s result is not JSON") from error
