"""Asking the vendor for the job of a submit whose end nobody knows (hop 6): it changes nothing there."""

from typing import Any

import httpx

from headway_lane.contract import paths
from headway_lane.contract.answers import lookup_rules
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.turn import Turns
from headway_lane.messages import json_text
from headway_lane.runtime.errors import InDoubt, RetryLater
from headway_lane.vendor_api.poll import filled, poll
from headway_lane.vendor_api.proxy import Proxy


def job_of_key(proxy: Proxy, vendor: Vendor, idempotency_key: str, turns: Turns) -> str:
    """Ask once, in a turn of its own, for the job that was submitted with our key; return its ID.

    Raises RetryLater where the vendor has no such job, so that the submit may be sent again at once; InDoubt where it
    gives no answer that tells.
    """
    lookup = vendor.submit.lookup
    if lookup is None:
        raise InDoubt("the contract does not say where to ask for the job any more")
    try:
        path = filled(lookup.path, idempotency_key=idempotency_key)
        answer = poll(proxy, "GET", path, lookup.timeout_s, turns, lookup_rules(vendor.submit.answers))
    except ValueError as error:
        raise InDoubt(f"cannot ask for the job: {error}") from error
    except RetryLater as error:
        raise InDoubt(f"asked for the job: {error}", error.retry_after_s) from error
    found = _found(answer, lookup.job_id)
    if found in (None, ""):
        raise RetryLater("the vendor does not have the job", retry_after_s=0)
    job_id = paths.identifier(found)
    if job_id is None:
        raise InDoubt(f"asked for the job: what is at `{lookup.job_id}` is no job ID")
    return job_id


def _found(answer: httpx.Response, path: str) -> Any:
    """Return what an answer has at a path, None where it says that there is no job. InDoubt where it does not tell."""
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if not answer.is_success:
        raise InDoubt(f"asked for the job: HTTP {answer.status_code}")
    try:
        return paths.read(json_text.read(answer.content), path) if answer.content else None
    except ValueError as error:
        raise InDoubt(f"asked for the job: HTTP {answer.status_code} without JSON") from error
