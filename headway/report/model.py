"""What the report is made from: the times of every call, the contract, and what the vendor itself counted.

In: written by whoever ran the calls, from the ledger. Out: read by figures, plots and page. Nothing here carries a
payload or a task token, so that neither can reach the page.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

SUCCEEDED = "succeeded"
"""The one outcome that counts as success; a call with any other outcome is listed among the failures."""


@dataclass(frozen=True, slots=True)
class CallTimes:
    """One input line and when it passed each hop; a time is None when the call never got there."""

    execution: str
    line: int
    outcome: str
    error: str | None
    cause: str | None
    queued_epoch_ms: int | None
    sending_epoch_ms: int | None
    accepted_epoch_ms: int | None
    answered_epoch_ms: int | None
    resumed_epoch_ms: int | None
    finished_epoch_ms: int | None


@dataclass(frozen=True, slots=True)
class ContractLine:
    """At most `amount` calls in any half-open window of `per_s` seconds; scope is submit, poll or both."""

    amount: int
    per_s: float
    scope: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A whole run.

    `calls` is gone through several times, and may make its items as it goes. `skipped` counts input lines that were not
    called. `vendor_report` is the vendor's own count: the simulator's report, or {"submit": {"calls", "refused",
    "worst_window", "violations", "utilisation" (0..1)}}.
    """

    workflow: str
    vendor: str
    target: str
    input_name: str
    started_epoch_ms: int
    finished_epoch_ms: int
    contract: ContractLine
    calls: Collection[CallTimes]
    skipped: int
    headway_version: str
    vendor_report: Mapping[str, Any] | None = None
