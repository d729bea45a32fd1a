"""Calling a job off at the vendor (beside hop 10): it takes a turn as a poll does, and may be repeated."""

from functools import partial
from typing import Final

from headway_lane.contract.exchange import Cancel
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import RetryLater
from headway_lane.runtime.names import CANCEL_PREFIX
from headway_lane.vendor_api.attempt import attempt
from headway_lane.vendor_api.poll import filled
from headway_lane.vendor_api.proxy import Proxy

OF_THE_JOB: Final = frozenset({400, 404, 405, 409, 410, 422})
"""Statuses that say something of the job. What else is no success is about us, such as a credential, and may pass."""


def call_off(proxy: Proxy, cancel: Cancel, job_id: str, turns: Turns) -> bool:
    """Take a turn, and tell the vendor once. False where it does not call the job off: it has ended, or is unknown.

    Raises RetryLater on 429, 5xx, silence, and what says nothing of the job.
    """
    try:
        path = filled(cancel.path, job_id=job_id)
    except ValueError:
        return False
    send = partial(proxy.send, cancel.method, CANCEL_PREFIX + path, cancel.timeout_s)
    answer = attempt(turns, send, ready=proxy.connect_ahead, named=proxy.limit_headers)
    if not answer.is_success and answer.status_code not in OF_THE_JOB:
        raise RetryLater(f"HTTP {answer.status_code}")
    return answer.is_success
