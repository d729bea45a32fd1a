"""What an operator sets for a vendor at run time, through AppConfig."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

DEFAULT_HEADROOM_MS: Final = 15
"""Jitter and skew between slot and door that a permit allows for: 1.5 % of a one-second contract. Where a
vendor still sees a violation, this is the number to raise.
"""
DEFAULT_SKEW_MS: Final = 1
"""By how much the clocks of two callers may differ: Amazon Time Sync keeps hosts within a millisecond (EC2 user guide).
"""
POLL_HEADROOM_MS: Final = 100
"""Least headroom of polls: nobody needs the last tenth of that budget, and a wide headroom makes no answer late."""
DELAY_SHARE: Final = 0.75
"""Share of the contract that plain pacing uses where the operator says nothing: every setting that was measured without
a violation stayed at 0.75 to 0.82.
"""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The least pause between two calls of one dispatcher (plain pacing), the ceiling in calls per second of all of
    them, and the headroom of permits.
    """

    delay_ms: int
    rate_per_s: float
    headroom_ms: int = DEFAULT_HEADROOM_MS
    answers_prove_arrival: bool = True
    """False for a vendor that takes its time to answer a submit: a slow answer then says nothing about the arrival."""
    skew_ms: int = DEFAULT_SKEW_MS
    """Between the clocks of any two callers, at most; part of the headroom."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `tuning.schema.json`."""
        return cls(
            delay_ms=document["delay_ms"],
            rate_per_s=document["rate_per_s"],
            headroom_ms=document.get("headroom_ms", DEFAULT_HEADROOM_MS),
            answers_prove_arrival=document.get("answers_prove_arrival", True),
            skew_ms=document.get("skew_ms", DEFAULT_SKEW_MS),
        )

    @classmethod
    def default_of(cls, vendor: Vendor) -> Self:
        """Draw the tuning from the contract alone."""
        share = DELAY_SHARE if vendor.dispatch.pacing is Pacing.DELAY else 1.0
        return cls(delay_ms=0, rate_per_s=share * vendor.max_rps(Scope.SUBMIT))
