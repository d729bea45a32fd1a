"""Submitting one job to the vendor (hop 6): attempts, each with a turn of its own, and what their answers mean."""

from collections.abc import Callable
from functools import partial
from typing import Final

import httpx
from tenacity import RetryCallState

from headway_lane.contract.answers import AnswerRule, Meaning, submit_rules
from headway_lane.contract.exchange import Ambiguity
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.turn import Turns
from headway_lane.runtime.errors import ErrorCode, FailTask, InDoubt, NoTurn, RetryLater
from headway_lane.vendor_api.attempt import LONGEST_PAUSE_S, attempt, pause_s, repeating
from headway_lane.vendor_api.meaning import met
from headway_lane.vendor_api.proxy import Proxy
from headway_lane.vendor_api.quotation import quoted
from headway_lane.vendor_api.submission import Submission, job_id_of

DETAIL_LENGTH: Final = 500
"""Characters of a vendor's error text that a cause quotes."""
LOOKED_AT_LENGTH: Final = 4 * DETAIL_LENGTH
"""Characters from which they are taken: what is secret goes first, so that the cut leaves no half of it."""
REFUSED_IN_DOUBT_S: Final = 30.0
"""When a submit is repeated that was refused behind one in doubt: what the vendor refuses it for may be the job of the
first.
"""

REFUSALS_BELIEVED: Final = 3
"""Refusals in a row, REFUSED_IN_DOUBT_S apart, behind which the next one is for good: a vendor that is busy with the
first submit (409, 425) has ended with it by then.
"""


def submit(
    proxy: Proxy,
    vendor: Vendor,
    submission: Submission,
    turns: Turns,
    ask: Callable[[], str],
    sleep_s: Callable[[float], None],
    *,
    ready: Callable[[bool], None] = lambda _: None,
    doubtful: bool = False,
    refusals: int = 0,
) -> str:
    """Submit a job and return the vendor's job ID; every attempt takes a turn of its own, and is made `ready`, which is
    told whether it is behind one in doubt.

    An attempt behind one whose end nobody knows calls `ask` instead, where that is the contract's policy: it returns
    the job ID, and raises RetryLater where the vendor does not have the job, InDoubt where it does not tell. `doubtful`
    says that an attempt of an earlier invocation ended so, and `refusals` how often in a row the vendor has refused
    since.

    Raises RetryLater where the vendor did not take the job within the budget, InDoubt where it is not known whether it
    did, FailTask where it never will, or where that is not known and the contract forbids a second try.
    """
    policy = vendor.submit.ambiguity
    if doubtful and policy is Ambiguity.REJECT:
        raise _given_up(vendor, "an earlier submit was not answered clearly")
    in_doubt = doubtful

    def submit_or_ask() -> str:
        nonlocal in_doubt, refusals
        asks = in_doubt and policy is Ambiguity.ASK
        try:
            if asks:
                return ask()
            made_ready = partial(ready, in_doubt)
            return _submit_once(proxy, vendor, submission, turns, made_ready, in_doubt=in_doubt, refusals=refusals)
        except InDoubt as doubt:
            in_doubt, refusals = True, doubt.refusals
            if policy is Ambiguity.REJECT:
                raise _given_up(vendor, str(doubt)) from doubt
            raise
        except RetryLater as later:
            in_doubt = in_doubt and not asks  # asked, the vendor says that it does not have the job
            if in_doubt:
                raise InDoubt(str(later), later.retry_after_s, refusals) from later
            raise

    retrying = repeating(_is_near, sleep_s, _wait)
    return retrying(submit_or_ask)


def _submit_once(
    proxy: Proxy,
    vendor: Vendor,
    submission: Submission,
    turns: Turns,
    ready: Callable[[], None],
    *,
    in_doubt: bool,
    refusals: int,
) -> str:
    """Submit once; `in_doubt` says whether that is behind a submit that was not answered clearly, and `refusals` counts
    those since, and answers that accepted the call without the job's ID.
    """
    rules = submit_rules(vendor.submit.answers)
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
    named, unreached = proxy.limit_headers, "the proxy cannot be reached"
    answer = attempt(turns, send, unreached=unreached, ready=ready, named=named, rules=rules)
    found = met(rules, answer)
    if found and found.rule.means is Meaning.ACCEPTED:
        return _accepted(vendor, answer, found.rule, refusals)
    detail = quoted(answer.text[:LOOKED_AT_LENGTH], [*proxy.secrets, *submission.secrets])[:DETAIL_LENGTH]
    said = f"HTTP {answer.status_code}: {detail}"
    if in_doubt and refusals < REFUSALS_BELIEVED:
        doubt = f"{said}, behind a submit that was not answered clearly"
        raise InDoubt(doubt, REFUSED_IN_DOUBT_S, refusals + 1)
    raise FailTask(ErrorCode.VENDOR_REJECTED, f"{vendor.name} answered {said}")


def _accepted(vendor: Vendor, answer: httpx.Response, rule: AnswerRule, refusals: int) -> str:
    """Return the ID of a job that the vendor has. Where the answer does not tell it, and the vendor can be asked for
    the job, that is done.
    """
    try:
        return job_id_of(vendor, answer, rule.job_id)
    except FailTask as unreadable:
        if vendor.submit.ambiguity is not Ambiguity.ASK or refusals >= REFUSALS_BELIEVED:
            raise
        raise InDoubt(unreadable.cause, refusals=refusals + 1) from unreadable


def _given_up(vendor: Vendor, doubt: str) -> FailTask:
    """Return the end of a call in doubt whose contract says that a doubled job is worse than a failed task."""
    return FailTask(ErrorCode.VENDOR_UNAVAILABLE, f"{vendor.name}: {doubt}; not repeated, a job could be doubled")


def _is_near(error: BaseException) -> bool:
    """Return whether an invocation waits for the next attempt itself; whoever had no turn has waited already."""
    if isinstance(error, NoTurn) or isinstance(error.__cause__, NoTurn):
        return False
    return isinstance(error, RetryLater) and (error.retry_after_s or 0) <= LONGEST_PAUSE_S


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, RetryLater) else None
    return pause_s(state) if asked_s is None else asked_s
