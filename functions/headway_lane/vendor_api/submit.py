"""Submitting one job to the vendor (hop 6): attempts, each with a turn of its own, and what their answers mean."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.core.signals import CoolDown
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, RetryLater
from headway_lane.vendor_api.proxy import Proxy, cool_down_asked
from headway_lane.vendor_api.submission import Submission, job_id_of, submission_of

BUDGET_S: Final = 20.0
"""Seconds in which attempts may end and be repeated; with a pause and a last attempt it fits `caller_timeout_s`."""
ATTEMPTS: Final = 8
LONGEST_PAUSE_S: Final = 5.0
"""A vendor that asks for more, or a slot that is further away, is waited for in the queue: that costs nothing."""
DETAIL_LENGTH: Final = 500
"""Characters of a vendor's error text that a cause quotes."""

_pause = wait_random_exponential(multiplier=0.2, max=LONGEST_PAUSE_S)


def submit(
    proxy: Proxy,
    vendor: Vendor,
    payload: Mapping[str, Any],
    idempotency_key: str,
    callback_url: str,
    turns: Turns,
    ask: Callable[[], str],
    sleep_s: Callable[[float], None],
    callback_key: str | None = None,
    doubtful: bool = False,
) -> str:
    """Submit a job and return the vendor's job ID; every attempt takes a turn of its own.

    An attempt behind one whose end nobody knows calls `ask` instead, where that is the contract's policy: it returns
    the job ID, and raises RetryLater where the vendor does not have the job, InDoubt where it does not tell. `doubtful`
    says that an attempt of an earlier invocation ended so.

    Raises RetryLater where the vendor did not take the job within the budget, InDoubt where it is not known whether it
    did and it can be asked, FailTask where it never will or where that is not known and the contract forbids a second
    try.
    """
    submission = submission_of(vendor, payload, idempotency_key, callback_url, callback_key)
    if doubtful and vendor.submit.ambiguity is Ambiguity.REJECT:
        raise _ambiguous(vendor, "an earlier submit was not answered clearly")
    asks = doubtful and vendor.submit.ambiguity is Ambiguity.ASK

    def attempt() -> str:
        nonlocal asks
        try:
            return ask() if asks else _attempt(proxy, vendor, submission, turns)
        except RetryLater as error:
            asks = isinstance(error, InDoubt)
            raise

    retrying = Retrying(
        retry=retry_if_exception(_is_near),
        stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(BUDGET_S),
        wait=_wait,
        sleep=sleep_s,
        reraise=True,
    )
    return retrying(attempt)


def _attempt(proxy: Proxy, vendor: Vendor, submission: Submission, turns: Turns) -> str:
    turns.take()
    try:
        answer = proxy.send(
            vendor.submit.method,
            vendor.submit.path,
            vendor.submit.timeout_s,
            json=submission.json,
            form=submission.form,
            query=submission.query,
            headers=submission.headers,
        )
    except httpx.ConnectError as error:
        turns.failed()
        raise RetryLater(f"the proxy cannot be reached ({type(error).__name__})") from error
    except httpx.TransportError as error:
        turns.failed()
        raise _ambiguous(vendor, f"no answer ({type(error).__name__})") from error
    turns.answered()
    cool_down = cool_down_asked(answer)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS and cool_down:
        turns.refused(cool_down)
        raise RetryLater("HTTP 429", cool_down.asked_s)
    if answer.is_server_error:
        turns.failed()
        if cool_down:
            turns.refused(cool_down)
        raise _ambiguous(vendor, f"HTTP {answer.status_code}", cool_down)
    turns.succeeded(cool_down)
    if not answer.is_success:
        detail = answer.text[:DETAIL_LENGTH]
        raise FailTask(ErrorCode.VENDOR_REJECTED, f"{vendor.name} answered HTTP {answer.status_code}: {detail}")
    return job_id_of(vendor, answer)


def _ambiguous(vendor: Vendor, what: str, cool_down: CoolDown | None = None) -> RetryLater | FailTask:
    """Nobody knows whether the vendor took the job: the contract says which mistake is the cheaper one, or where the
    vendor is asked.
    """
    asked_s = cool_down.asked_s if cool_down else None
    match vendor.submit.ambiguity:
        case Ambiguity.RETRY:
            return RetryLater(f"{what}; the submit is repeated with the same idempotency key", asked_s)
        case Ambiguity.ASK:
            return InDoubt(f"{what}; the vendor is asked for the job before the submit is repeated", asked_s)
        case Ambiguity.REJECT:
            cause = f"{vendor.name}: {what}; not repeated, a job could be doubled"
            return FailTask(ErrorCode.VENDOR_UNAVAILABLE, cause)


def _is_near(error: BaseException) -> bool:
    return isinstance(error, RetryLater) and (error.retry_after_s or 0) <= LONGEST_PAUSE_S


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, RetryLater) else None
    return _pause(state) if asked_s is None else asked_s
