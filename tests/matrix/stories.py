"""The calls that the matrix makes: contracts by policy, what the vendor does, and how each ends where nothing fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from headway_lane.contract import paths
from headway_lane.contract.exchange import Ambiguity

from tests.unit.headway_lane.fakes import ASKING, VENDOR_DOCUMENT


class Said(StrEnum):
    """What the vendor says to a submit."""

    TAKEN = "taken"
    BUSY = "busy"
    """429, come again in a minute."""
    SILENT = "silent"
    """It takes the job, and its answer is lost."""
    REFUSED = "refused"
    """422."""


SMALL: Final[Mapping[str, Any]] = {"text": "Grüße"}
LARGE: Final[Mapping[str, Any]] = {"text": "x" * 200_000}
DELIVERED: Final[dict[str, Any]] = {"result": {"source": "callback", "field": "output"}}
POLLED: Final[Mapping[str, Any]] = {
    "poll": {
        "path": "/v1/jobs/{job_id}",
        "timeout_s": 10,
        "status": "status",
        "success": ["succeeded"],
        "failure": ["failed"],
        "pending": ["processing"],
        "after_s": 60,
        "every_s": 60,
    }
}
STOPPED: Final = "Stopped"
"""The name of how an execution ends that was stopped."""
CANCELLED: Final[dict[str, Any]] = {"cancel": {"path": "/v1/jobs/{job_id}/cancel", "timeout_s": 10}}
LIMITED: Final[dict[str, Any]] = {
    "limits": [*VENDOR_DOCUMENT["limits"], {"quantity": "jobs_in_flight", "amount": 3}],
}


@dataclass(frozen=True, slots=True)
class Story:
    """One call: what is changed in the contract, what the vendor says to its submits in turn (then TAKEN), whether it
    calls back, before its own response where `early`; the status of the job, and the error that the task ends with.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    says: tuple[Said, ...] = ()
    calls_back: bool = True
    early: bool = False
    status: str = "succeeded"
    payload: Mapping[str, Any] = field(default_factory=lambda: SMALL)
    claimed: bool = False
    """The payload lies in S3."""
    twice: bool = False
    """Every message comes once more, after it was deleted."""
    answer_s: float = 0.2
    """How long the vendor takes to answer."""
    overlapping: bool = False
    """Whatever is due while a function sleeps or waits happens then, and not after it."""
    job_s: float = 20.0
    """How long a job takes."""
    stopped_s: float | None = None
    """When somebody stops the execution, in seconds after its start."""
    error: str | None = None


STORIES: Final[Mapping[str, Story]] = {
    "limited": Story(LIMITED | DELIVERED),
    "fetched": Story(),
    "polled": Story(POLLED, calls_back=False),
    "early": Story(early=True),
    "claimed": Story(DELIVERED, payload=LARGE, claimed=True),
    "drained": Story(DELIVERED | {"dispatch.trigger": "schedule"}),
    "twice": Story(LIMITED | DELIVERED, twice=True),
    "overlapping": Story(LIMITED | DELIVERED, twice=True, answer_s=5, overlapping=True),
    "busy": Story(LIMITED | DELIVERED, says=(Said.BUSY,)),
    "doubted": Story(LIMITED | DELIVERED, says=(Said.SILENT,)),
    "refused": Story(LIMITED | DELIVERED, says=(Said.REFUSED,) * 20, error="Vendor.Rejected"),
    "stopped": Story(LIMITED | DELIVERED | CANCELLED, stopped_s=5.0, job_s=800.0, error=STOPPED),
    "job failed": Story(LIMITED | DELIVERED, status="failed", error="Vendor.JobFailed"),
}
POLICIES: Final[Mapping[Ambiguity, Mapping[str, Any]]] = {
    Ambiguity.RETRY: {"submit.ambiguity": "retry", "submit.idempotency_header": "Idempotency-Key"},
    Ambiguity.ASK: ASKING,
    Ambiguity.REJECT: {"submit.ambiguity": "reject"},
}


def contract(policy: Ambiguity, story: Story) -> Mapping[str, Any]:
    """Return the contract document of a story under a policy."""
    document: Mapping[str, Any] = VENDOR_DOCUMENT
    for path, value in {**POLICIES[policy], **story.changes}.items():
        document = paths.write(document, path, value)
    return document
