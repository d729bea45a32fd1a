"""What a request finds in the ledger, and what follows: a job that the vendor has, or may have, is not asked for again.

The tables are the design's: every state, by the same attempt and by another one, while a lease is alive and when it is
over, in doubt and not.
"""

from dataclasses import replace
from itertools import product

import pytest
from headway_lane.ledger.record import Call, CallState
from headway_lane.ledger.succession import Next, Succession, of_another_attempt, of_the_same_attempt
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import ErrorCode

LEASE_UNTIL_S = 1_000
ALIVE, OVER = LEASE_UNTIL_S - 1, LEASE_UNTIL_S


def call_in(
    state: CallState,
    *,
    error: str | None = None,
    job_id: str | None = None,
    doubtful: bool = False,
    cancelling_until_epoch_s: int = 0,
) -> Call:
    return Call(
        "call-1",
        "acme",
        "tenant-1",
        state,
        Waiter("token"),
        "attempt-1",
        0,
        job_id,
        "invocation-1",
        LEASE_UNTIL_S,
        doubtful,
        0,
        cancelling_until_epoch_s,
        error,
        "move-1",
    )


SAME: dict[CallState, tuple[Next, Next]] = {
    CallState.QUEUED: (Next.DISPATCH, Next.DISPATCH),
    CallState.DISPATCHING: (Next.WAIT, Next.DISPATCH),
    CallState.SENDING: (Next.WAIT, Next.DISPATCH),
    CallState.ACCEPTED: (Next.DROP, Next.DROP),
    CallState.ANSWERED: (Next.DROP, Next.DROP),
    CallState.RESUMED: (Next.DROP, Next.DROP),
    CallState.REJECTED: (Next.DROP, Next.DROP),
    CallState.LATE: (Next.DROP, Next.DROP),
    CallState.EXPIRED: (Next.DROP, Next.DROP),
    CallState.CANCELLED: (Next.DROP, Next.DROP),
}
"""While the lease is alive, and when it is over. Two messages of one attempt do not take two slots."""


@pytest.mark.parametrize(("state", "doubtful"), list(product(CallState, (False, True))))
def test_a_message_of_the_attempt_that_the_ledger_knows(state: CallState, doubtful: bool) -> None:
    call = call_in(state, doubtful=doubtful)
    assert (of_the_same_attempt(call, ALIVE), of_the_same_attempt(call, OVER)) == SAME[state]


WAITS = Succession(Next.WAIT)
SAME_ROUND, IN_DOUBT = Succession(Next.DISPATCH), Succession(Next.DISPATCH, doubtful=True)
NEW_ROUND = Succession(Next.DISPATCH, new_round=True)
JOINS = Succession(Next.JOIN, CallState.ACCEPTED)

ANOTHER: dict[CallState, tuple[Succession, Succession, Succession, Succession]] = {
    CallState.QUEUED: (SAME_ROUND, SAME_ROUND, IN_DOUBT, IN_DOUBT),
    CallState.DISPATCHING: (SAME_ROUND, SAME_ROUND, IN_DOUBT, IN_DOUBT),
    CallState.SENDING: (WAITS, IN_DOUBT, WAITS, IN_DOUBT),
    CallState.ACCEPTED: (JOINS, JOINS, JOINS, JOINS),
    CallState.ANSWERED: (JOINS, JOINS, JOINS, JOINS),
    CallState.RESUMED: (NEW_ROUND, NEW_ROUND, NEW_ROUND, NEW_ROUND),
    CallState.LATE: (JOINS, JOINS, JOINS, JOINS),
    CallState.CANCELLED: (NEW_ROUND, NEW_ROUND, NEW_ROUND, NEW_ROUND),
    CallState.EXPIRED: (SAME_ROUND, SAME_ROUND, IN_DOUBT, IN_DOUBT),
}
"""Lease alive, and over; and the same in doubt. What is rejected follows its error, below."""


@pytest.mark.parametrize("state", ANOTHER)
def test_another_attempt_goes_on_with_what_it_finds(state: CallState) -> None:
    clear, doubtful = (call_in(state, job_id="job-1", doubtful=doubt) for doubt in (False, True))
    found = tuple(of_another_attempt(call, now_s) for call in (clear, doubtful) for now_s in (ALIVE, OVER))
    assert found == ANOTHER[state]


def test_a_job_that_was_taken_over_is_handed_over_though_its_first_message_broke_off() -> None:
    taken = replace(call_in(CallState.ACCEPTED, job_id="job-1"), holder=None)
    assert of_the_same_attempt(taken, OVER) is Next.JOIN


def test_every_state_has_its_line() -> None:
    assert set(SAME) == set(CallState)
    assert {*ANOTHER, CallState.REJECTED} == set(CallState)


def test_a_job_that_has_failed_unheard_is_ordered_anew() -> None:
    late = call_in(CallState.LATE, error=ErrorCode.VENDOR_JOB_FAILED, job_id="job-1")
    assert of_another_attempt(late, OVER) == NEW_ROUND


REJECTED: dict[ErrorCode, tuple[Succession, Succession]] = {
    ErrorCode.VENDOR_REJECTED: (NEW_ROUND, NEW_ROUND),
    ErrorCode.VENDOR_THROTTLED: (NEW_ROUND, NEW_ROUND),
    ErrorCode.VENDOR_JOB_UNKNOWN: (NEW_ROUND, NEW_ROUND),
    ErrorCode.VENDOR_JOB_FAILED: (NEW_ROUND, NEW_ROUND),
    ErrorCode.REQUEST_MALFORMED: (NEW_ROUND, IN_DOUBT),
    ErrorCode.VENDOR_UNAVAILABLE: (IN_DOUBT, IN_DOUBT),
    ErrorCode.VENDOR_ANSWER_UNREADABLE: (IN_DOUBT, IN_DOUBT),
    ErrorCode.CALLER_CRASHED: (IN_DOUBT, IN_DOUBT),
    ErrorCode.REQUEST_EXPIRED: (IN_DOUBT, IN_DOUBT),
    ErrorCode.RESULT_UNAVAILABLE: (IN_DOUBT, IN_DOUBT),
}
"""Without a doubt from before, and with one, which the vendor's own words end and a malformed request does not."""


@pytest.mark.parametrize("error", REJECTED)
def test_a_rejected_call_is_ordered_anew_where_nothing_of_it_is_at_the_vendor(error: ErrorCode) -> None:
    calls = (call_in(CallState.REJECTED, error=error, doubtful=doubtful) for doubtful in (False, True))
    assert tuple(of_another_attempt(call, OVER) for call in calls) == REJECTED[error]


def test_a_job_that_was_given_up_while_the_vendor_works_is_taken_over() -> None:
    overdue = call_in(CallState.REJECTED, error=ErrorCode.VENDOR_JOB_OVERDUE, job_id="job-1")
    assert of_another_attempt(overdue, OVER) == JOINS


def test_every_error_has_its_line() -> None:
    assert {*REJECTED, ErrorCode.VENDOR_JOB_OVERDUE} == set(ErrorCode)


def test_an_error_of_another_version_leaves_the_call_in_doubt() -> None:
    unknown = call_in(CallState.REJECTED, error="Vendor.Unheard")
    assert of_another_attempt(unknown, OVER) == IN_DOUBT


@pytest.mark.parametrize("now_s", [ALIVE, OVER], ids=["being told", "told, or not"])
def test_a_job_that_is_being_called_off_is_no_job_to_wait_for(now_s: int) -> None:
    call = call_in(CallState.ACCEPTED, job_id="job-1", cancelling_until_epoch_s=LEASE_UNTIL_S)
    assert of_another_attempt(call, now_s) == NEW_ROUND
