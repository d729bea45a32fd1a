"""Submitting one job to the vendor (hop 6): attempts, each with a turn of its own, and what their answers mean."""

from collections.abc import Callable
from functools import partial
from typing import Final

from tenacity import RetryCallState

from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, RetryLater
from headway_lane.vendor_api.attempt import LONGEST_PAUSE_S, attempt, pause_s, repeating
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.quotation import quoted
from headway_lane.vendor_api.submission import Submission, job_id_of

DETAIL_LENGTH: Final = 500
"""Characters of a vendor's error text that a cause quotes."""
LOOKED_AT_LENGTH: Final = 4 * DETAIL_LENGTH
"""Characters from which they are taken: what is secret goes first, so that the cut leaves no half of it."""


def submit(
    proxy: Proxy,
    vendor: Vendor,
    submission: Submission,
    turns: Turns,
    ask: Callable[[], str],
    sleep_s: Callable[[float], None],
    *,
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
    if doubtful and vendor.submit.ambiguity is Ambiguity.REJECT:
        raise _decided(vendor, InDoubt("an earlier submit was not answered clearly"))
    asks = doubtful and vendor.submit.ambiguity is Ambiguity.ASK

    def submit_or_ask() -> str:
        nonlocal asks
        try:
            return ask() if asks else _submit_once(proxy, vendor, submission, turns)
        except RetryLater as error:
            asks = isinstance(error, InDoubt)
            raise

    retrying = repeating(_is_near, sleep_s, _wait)
    return retrying(submit_or_ask)


def _submit_once(proxy: Proxy, vendor: Vendor, submission: Submission, turns: Turns) -> str:
    send = partial(
        proxy.send,
        vendor.submit.method,
        vendor.submit.path,
        vendor.submit.timeout_s,
        json=submission.json,
        form=submission.form,
        query=submission.query,
        headers=submission.headers,
    )
    try:
        answer = attempt(turns, send, unreached="the proxy cannot be reached")
    except InDoubt as doubt:
        raise _decided(vendor, doubt) from doubt
    if not answer.is_success:
        detail = quoted(answer.text[:LOOKED_AT_LENGTH], [*proxy.secrets, *submission.secrets])[:DETAIL_LENGTH]
        raise FailTask(ErrorCode.VENDOR_REJECTED, f"{vendor.name} answered HTTP {answer.status_code}: {detail}")
    return job_id_of(vendor, answer)


def _decided(vendor: Vendor, doubt: InDoubt) -> RetryLater | FailTask:
    """Return what follows from a doubt whether the vendor took the job: the contract says which mistake is the cheaper
    one, or that the vendor is asked.
    """
    match vendor.submit.ambiguity:
        case Ambiguity.RETRY:
            what = f"{doubt}; the submit is repeated with the same idempotency key"
            return RetryLater(what, doubt.retry_after_s)
        case Ambiguity.ASK:
            what = f"{doubt}; the vendor is asked for the job before the submit is repeated"
            return InDoubt(what, doubt.retry_after_s)
        case Ambiguity.REJECT:
            what = f"{vendor.name}: {doubt}; not repeated, a job could be doubled"
            return FailTask(ErrorCode.VENDOR_UNAVAILABLE, what)


def _is_near(error: BaseException) -> bool:
    return isinstance(error, RetryLater) and (error.retry_after_s or 0) <= LONGEST_PAUSE_S


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, RetryLater) else None
    return pause_s(state) if asked_s is None else asked_s
