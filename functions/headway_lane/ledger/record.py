r"""The ledger's words: states of a call, the record of one call, the answer to it, and the names of their attributes.

queued -> dispatching -> sending -> accepted -> answered -> resumed
   \          |             |           | \       ^   \-> late
    \-> expired <-/          |           |  \-> cancelled
     \-> rejected <----------+-----------/
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headway_lane.messages.identity import idempotency_key_of
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import NOT_AT_THE_VENDOR, ErrorCode
from headway_lane.runtime.formats import FORMAT_VERSION, Format

CALL: Final = Format("the record of the call", version=2)
JOB: Final = Format("the record of the job", version=2)
"""With the answer in it."""


class CallState(StrEnum):
    """Where a call stands. `<state>_epoch_ms` on the record says since when."""

    QUEUED = "queued"
    DISPATCHING = "dispatching"
    """Somebody is about to call the vendor; nothing was sent. Whoever takes it over ends that."""
    SENDING = "sending"
    """The vendor may have it from here on: without an answer it is in doubt."""
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    RESUMED = "resumed"
    REJECTED = "rejected"
    LATE = "late"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """Its execution was stopped, and the vendor has called the job off."""


SENT_BY_NOBODY: Final = (CallState.QUEUED, CallState.DISPATCHING)
"""States in which this attempt has sent nothing."""
UNACCEPTED: Final = (*SENT_BY_NOBODY, CallState.SENDING)
"""States in which the vendor has not answered."""
OVER: Final = (CallState.RESUMED, CallState.REJECTED, CallState.LATE, CallState.EXPIRED)
"""States in which nothing happens to a call any more, unless another attempt is made at it."""
ENDED: Final = (*OVER, CallState.CANCELLED)
"""The same, and what may still become late: the vendor's word on a job that it has called off."""


class CallAttribute(StrEnum):
    """Attributes of the calls table; the key is `call_id`."""

    CALL_ID = "call_id"
    STATE = "state"
    VENDOR = "vendor"
    EXECUTION = "execution"
    """The ARN of the execution that asked: by it an index finds its calls."""
    STEP = "step"
    """The state that asked, and the item of its Map: `CallVendor`, or `CallVendor/7`."""
    TENANT = "tenant"
    WAITER = "waiter"
    """Who waits for the call; in this attribute only, and never a key."""
    ATTEMPT = "attempt"
    """Whose moves are taken: the attempt of the waiter."""
    ROUND = "round"
    """How many jobs the vendor has ended for this call: each more is another job, with an idempotency key of its own.
    """
    HOLDER = "holder"
    """The invocation that makes the call, or the run of `dispatch_call_direct`."""
    LEASE_UNTIL_EPOCH_S = "lease_until_epoch_s"
    """By then the holder is dead for sure."""
    DOUBTFUL = "doubtful"
    """There where nobody knows whether the vendor has taken the job of this round."""
    REFUSALS = "refusals"
    """How often the vendor has refused the call in a row, behind the last submit whose end nobody knows."""
    CANCELLING_UNTIL_EPOCH_S = "cancelling_until_epoch_s"
    """There from the moment in which the vendor is told to call the job off until its answer is known; by then whoever
    tells it is dead for sure.
    """
    MOVE_ID = "move_id"
    """Signs the last move that a function made, so that it knows its own work again."""
    JOB_ID = "job_id"
    ERROR = "error"
    CAUSE = "cause"
    EXPIRES_EPOCH_S = "expires_epoch_s"
    FORMAT_VERSION = FORMAT_VERSION


EXECUTION_INDEX: Final = "by_execution"
"""The index of the calls table that finds the calls of an execution."""


class JobAttribute(StrEnum):
    """Attributes of the jobs table, which maps a vendor's job ID to the calls that it answers, all of one tenant; one
    half or the other is written first.
    """

    JOB_KEY = "job_key"
    CALL_IDS = "call_ids"
    CALL_ID = "call_id"
    """Written by version 1, which knew one call of a job."""
    TENANT = "tenant"
    ANSWER = "answer"
    ANSWERED_EPOCH_MS = "answered_epoch_ms"
    EXPIRES_EPOCH_S = "expires_epoch_s"
    FORMAT_VERSION = FORMAT_VERSION


def since_attribute(state: CallState) -> str:
    """Name the attribute that says when a call reached a state, in epoch milliseconds."""
    return f"{state}_epoch_ms"


def job_key(vendor: str, job_id: str) -> str:
    """Key of the jobs table: job IDs are unique for one vendor only."""
    return f"{vendor}#{job_id}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the ledger knows it."""

    call_id: str
    vendor: str
    tenant: str
    state: CallState
    waiter: Waiter = field(repr=False)
    attempt: str
    round_number: int
    job_id: str | None
    holder: str | None
    lease_until_epoch_s: int
    doubtful: bool
    refusals: int
    cancelling_until_epoch_s: int
    error: str | None
    move_id: str

    @property
    def idempotency_key(self) -> str:
        """Return what tells the vendor that it is the same job."""
        return idempotency_key_of(self.call_id, self.round_number)

    def may_be_at_the_vendor(self, error: str | None) -> bool:
        """Return whether a job may be in flight behind an error. A malformed request says nothing of what was sent of
        it before, by another contract.
        """
        return error not in NOT_AT_THE_VENDOR or (self.doubtful and error == ErrorCode.REQUEST_MALFORMED)


@dataclass(frozen=True, slots=True)
class Answer:
    """The vendor's last word on a job: `status` in its own words, `body` the event of the callback as a JSON text, or a
    claim check on it; empty where a poll has said it, because the result can be fetched then.
    """

    job_id: str
    succeeded: bool
    status: str
    body: str
