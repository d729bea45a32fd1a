"""What a request finds in the ledger, and what follows: arithmetic without I/O, for the dispatcher (hop 3).

A message may come twice, late, or while its call is being made; and a workflow may make another attempt at the same
call, by a retry, a redrive or a loop. A job that the vendor has, or may have, is never asked for again: another attempt
takes it over.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from headway_lane.ledger.record import Call, CallState
from headway_lane.runtime.errors import ErrorCode


class Next(StrEnum):
    """What happens to a request."""

    DISPATCH = "dispatch"
    WAIT = "wait"
    """Somebody is making the call, until its lease is over."""
    JOIN = "join"
    """The vendor has the job, or has ended it: it is handed over, and the vendor is not called."""
    DROP = "drop"
    """Its attempt is over, or on its way."""


@dataclass(frozen=True, slots=True)
class Succession:
    """How another attempt goes on: `after` is the state in which it finds the call. A new round is another job."""

    next: Next
    after: CallState = CallState.QUEUED
    new_round: bool = False
    doubtful: bool = False


_IN_HAND: Final = (CallState.DISPATCHING, CallState.SENDING)


def of_the_same_attempt(call: Call, now_s: float) -> Next:
    """Return what happens to a message whose own attempt the ledger knows."""
    if call.state is CallState.QUEUED:
        return Next.DISPATCH
    if call.state in _IN_HAND:
        return Next.WAIT if now_s < call.lease_until_epoch_s else Next.DISPATCH
    if call.state is CallState.ACCEPTED and call.holder is None:
        return Next.JOIN  # it has taken the call over, and may have broken off before it could hand the job over
    return Next.DROP


def of_another_attempt(call: Call, now_s: float) -> Succession:
    """Return what happens to a message of another attempt than the ledger knows, whose task waits while the task of the
    one before has ended.
    """
    match call.state:
        case CallState.QUEUED | CallState.DISPATCHING | CallState.EXPIRED:
            return Succession(Next.DISPATCH, doubtful=call.doubtful)
        case CallState.SENDING if now_s < call.lease_until_epoch_s:
            return Succession(Next.WAIT)
        case CallState.SENDING:
            return Succession(Next.DISPATCH, doubtful=True)
        case CallState.ACCEPTED if call.cancelling_until_epoch_s:  # that job is on its way out
            return Succession(Next.DISPATCH, new_round=True)
        case CallState.ACCEPTED | CallState.ANSWERED:
            return Succession(Next.JOIN, after=CallState.ACCEPTED)
        case CallState.LATE if call.error is None:
            return Succession(Next.JOIN, after=CallState.ACCEPTED)
        case CallState.LATE | CallState.RESUMED | CallState.CANCELLED:
            return Succession(Next.DISPATCH, new_round=True)
        case CallState.REJECTED:
            return _after_rejection(call)


def _after_rejection(call: Call) -> Succession:
    if call.error == ErrorCode.VENDOR_JOB_OVERDUE and call.job_id:
        return Succession(Next.JOIN, after=CallState.ACCEPTED)
    in_doubt = call.may_be_at_the_vendor(call.error)
    return Succession(Next.DISPATCH, new_round=not in_doubt, doubtful=in_doubt)
