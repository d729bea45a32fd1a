"""The error tree, split by consequence. A code is also the ASL error name that a workflow catches.

HeadwayError
├── RetryLater       nothing happened; the same step may be tried again
│   ├── InDoubt      nobody knows whether it happened, which is found out before the step is tried again
│   ├── KeysRefused  a secret holds no key of its scheme: an operator puts one there
│   └── NewerFormat  it is for newer code to read: this code leaves it as it is
├── FailTask         the call is over; its waiting task is failed with `code` and `cause`
└── Refused          input from outside that is put aside with its reason and never retried
    ├── Malformed
    └── Forged
"""

from enum import StrEnum
from typing import Final

from headway_lane.runtime.causes import bounded


class ErrorCode(StrEnum):
    """Error names that workflows and operators see."""

    REQUEST_MALFORMED = "Request.Malformed"
    REQUEST_EXPIRED = "Request.Expired"
    VENDOR_THROTTLED = "Vendor.Throttled"
    VENDOR_REJECTED = "Vendor.Rejected"
    VENDOR_UNAVAILABLE = "Vendor.Unavailable"
    VENDOR_ANSWER_UNREADABLE = "Vendor.AnswerUnreadable"
    VENDOR_JOB_FAILED = "Vendor.JobFailed"
    VENDOR_JOB_UNKNOWN = "Vendor.JobUnknown"
    VENDOR_JOB_OVERDUE = "Vendor.JobOverdue"
    CALLER_CRASHED = "Caller.Crashed"
    RESULT_UNAVAILABLE = "Result.Unavailable"


NOT_AT_THE_VENDOR: Final = frozenset(
    {
        ErrorCode.VENDOR_REJECTED,
        ErrorCode.VENDOR_THROTTLED,
        ErrorCode.REQUEST_MALFORMED,
        ErrorCode.VENDOR_JOB_UNKNOWN,
        ErrorCode.VENDOR_JOB_FAILED,
    }
)
"""Errors after which no job is in flight. After all others the vendor may work on one that nobody will hear of: its
in-flight permit stays taken until it expires, because a limit that was sold is worth more than an in-flight permit; and
another attempt at the call begins in doubt.
"""


class HeadwayError(Exception):
    """Root of what Headway raises."""


class RetryLater(HeadwayError):  # noqa: N818 - named by consequence, like its siblings
    """Nothing happened and the step may be repeated, after `retry_after_s` seconds where the vendor said so."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class NoTurn(RetryLater):
    """No slot, or no in-flight permit, for as long as anybody waits for one: the call goes back to its queue."""


class InDoubt(RetryLater):
    """The vendor may have taken the call: whoever tries again finds that out first. `refusals` counts how often it has
    refused it in a row since; it may refuse it because it has it.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None, refusals: int = 0) -> None:
        super().__init__(reason, retry_after_s)
        self.refusals = refusals


class KeysRefused(RetryLater):
    """A secret holds no key that its scheme can use; the message says what to put there, and quotes nothing of it."""


class NewerFormat(RetryLater):
    """A message or a record is in a format that is newer than this code; see `runtime.formats`."""


class FailTask(HeadwayError):  # noqa: N818
    """The call is over: fail its waiting task with `code`, and with as much of `cause` as travels."""

    def __init__(self, code: ErrorCode, cause: str) -> None:
        self.code = code
        self.cause = bounded(cause)
        super().__init__(f"{code}: {self.cause}")


class Refused(HeadwayError):  # noqa: N818
    """Input from outside that cannot be used; repeating it changes nothing."""


class Malformed(Refused):
    """Unreadable, or a required field is missing or has the wrong type."""


class Forged(Refused):
    """The signature is missing, wrong, or outside its time tolerance."""
