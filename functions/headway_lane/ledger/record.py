r"""The ledger's words: states of a call, the record of one call, the answer to it, and the names of their attributes.

queued -> dispatching -> accepted -> answered -> resumed
              \-> rejected <-/       \-> late | expired
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.formats import FORMAT_VERSION, Format

CALL: Final = Format("the record of the call", version=1)
JOB: Final = Format("the record of the job", version=1)
"""With the answer in it."""


class CallState(StrEnum):
    """Where a call stands. `<state>_epoch_ms` on the record says since when."""

    QUEUED = "queued"
    DISPATCHING = "dispatching"
    ACCEPTED = "accepted"
    ANSWERED = "answered"
    RESUMED = "resumed"
    REJECTED = "rejected"
    LATE = "late"
    EXPIRED = "expired"


OVER: Final = (CallState.RESUMED, CallState.REJECTED, CallState.LATE, CallState.EXPIRED)
"""States in which nothing happens to a call any more, but that a late answer to an expired one is noted."""


class CallAttribute(StrEnum):
    """Attributes of the calls table; the key is `call_id`."""

    CALL_ID = "call_id"
    STATE = "state"
    VENDOR = "vendor"
    WAITER = "waiter"
    """Who waits for the call; in this attribute only, and never a key."""
    IDEMPOTENCY_KEY = "idempotency_key"
    LEASE_OWNER = "lease_owner"
    LEASE_UNTIL_EPOCH_S = "lease_until_epoch_s"
    DOUBTFUL = "doubtful"
    """There where the call went back to its queue while nobody knew whether the vendor had taken it."""
    MOVE_ID = "move_id"
    """Signs the last move that a function made, so that it knows its own work again."""
    JOB_ID = "job_id"
    ERROR = "error"
    CAUSE = "cause"
    EXPIRES_EPOCH_S = "expires_epoch_s"
    FORMAT_VERSION = FORMAT_VERSION


class JobAttribute(StrEnum):
    """Attributes of the jobs table, which maps a vendor's job ID to the call; either half may be written first."""

    JOB_KEY = "job_key"
    CALL_ID = "call_id"
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
    state: CallState
    waiter: Waiter = field(repr=False)
    job_id: str | None
    lease_owner: str | None
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The vendor's last word on a job: `status` in its own words, `body` the event of the callback as a JSON text, or a
    claim check on it; empty where a poll has said it, because the result can be fetched then.
    """

    job_id: str
    succeeded: bool
    status: str
    body: str
