"""What `dispatch_call` hands to the caller (hop 6), and what it gets back."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from headway_lane.limiter.core.reservations import Permit
from headway_lane.messages.identity import CallSite
from headway_lane.messages.origin import Origin
from headway_lane.messages.request import REQUEST


@dataclass(frozen=True, slots=True)
class CallInput:
    """One call to be made, by one attempt; `holder` is this invocation. A call that is deferred goes back to its
    `origin`. `ends_epoch_s` is when its task ends unless it hears from us.
    """

    call_id: str
    attempt: str
    place: CallSite
    holder: str
    payload: dict[str, Any]
    origin: Origin
    permit: Permit | None
    ends_epoch_s: int | None = None

    @classmethod
    def from_event(cls, event: dict[str, Any], holder: str) -> Self:
        """Read the function's event; `permit` is empty for plain pacing. Raises NewerFormat."""
        REQUEST.check(event)
        return cls(
            call_id=event["call_id"],
            attempt=event["attempt"],
            place=CallSite.of_document(event["call"]),
            holder=holder,
            payload=event["payload"],
            origin=Origin(**event["origin"]),
            permit=Permit(**event["permit"]) if event.get("permit") else None,
            ends_epoch_s=event.get("ends_epoch_s"),
        )


class CallOutcome(StrEnum):
    """What `dispatch_call` branches on."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    UNREADY = "unready"
    """Deferred, because something of ours failed before the vendor was called."""
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    NEWER = "newer"
    """It is in its queue again, for newer code."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """A call's outcome as data: engines disagree about error names that cross a Lambda boundary."""

    outcome: CallOutcome
    job_id: str | None = None
    error: str | None = None
    cause: str | None = None
    retry_after_s: float | None = None
    doubtful: bool | None = None
    """There where nobody knows whether the vendor has the job."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}
