"""What the vendor says afterwards: plain values, ready for JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """One limit as seen at the vendor's ingress.

    `worst_window_count` and `violation_count` judge all calls, refused ones included; `utilisation` measures the calls
    let in, in the steady state, and is None below ten of them.
    """

    limit: str
    call_count: int
    admitted_count: int
    refused_count: int
    worst_window_count: int
    violation_count: int
    utilisation: float | None
    arrivals_epoch_ms: list[float]


@dataclass(frozen=True, slots=True)
class InFlightReport:
    """Jobs that were accepted and whose final callback was not yet due.

    `worst_count` is the most that there would have been had every submit been let in; `violation_count` are those
    submits that were one job too many. `limit` is None where none is sold.
    """

    limit: int | None = None
    worst_count: int = 0
    violation_count: int = 0


@dataclass(frozen=True, slots=True)
class CallbackReport:
    """Callbacks by message (`delivered`, `failed`) and by request (`attempt`); forged copies are apart."""

    delivered_count: int = 0
    failed_count: int = 0
    attempt_count: int = 0
    duplicate_count: int = 0
    forged_count: int = 0
    lost_count: int = 0


@dataclass(frozen=True, slots=True)
class VendorReport:
    """Everything the simulator saw since it started or was last reset."""

    vendor: str
    scopes: dict[str, ScopeReport]
    jobs_by_status: dict[str, int]
    callbacks: CallbackReport
    repeated_idempotency_key_count: int
    payload_submitted_twice_count: int
    jobs_in_flight: InFlightReport = InFlightReport()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_json` has written; without arrivals their list is empty."""
        scopes = {name: ScopeReport(**{"arrivals_epoch_ms": [], **scope}) for name, scope in document["scopes"].items()}
        return cls(
            vendor=document["vendor"],
            scopes=scopes,
            jobs_by_status=document["jobs_by_status"],
            callbacks=CallbackReport(**document["callbacks"]),
            repeated_idempotency_key_count=document["repeated_idempotency_key_count"],
            payload_submitted_twice_count=document["payload_submitted_twice_count"],
            jobs_in_flight=InFlightReport(**document["jobs_in_flight"]),
        )

    def as_json(self, *, arrivals: bool = False) -> dict[str, Any]:
        """Return the report as JSON values, with the list of arrivals only when asked for."""
        body = asdict(self)
        if not arrivals:
            for scope in body["scopes"].values():
                del scope["arrivals_epoch_ms"]
        return body
