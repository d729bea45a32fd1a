"""What an operator sets for a vendor at run time, through AppConfig."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Self

from headway_lane.contract.dispatch import Pacing
from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

AUTO: Final = "auto"
"""The headroom that is measured (`limiter.core.measured`), from DEFAULT_HEADROOM_MS to LEARNED_HEADROOM_LIMIT_MS."""
DEFAULT_HEADROOM_MS: Final = 15
"""Jitter and skew between slot and door that a permit allows for at least: 1.5 % of a one-second contract."""
LEARNED_HEADROOM_LIMIT_MS: Final = 150
"""The widest headroom that is learned, 13 % of a one-second contract; beyond it lies not jitter, but the vendor's work.
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
    them, the headroom of permits, and the cap of a day.
    """

    delay_ms: int
    rate_per_s: float
    headroom_ms: int | None = None
    """None: measured, which the file calls `auto`."""
    answers_prove_arrival: bool | None = None
    """Whether an answer proves that its call had arrived by then: always, never, or (None) as far as what is measured
    shows.
    """
    skew_ms: int = DEFAULT_SKEW_MS
    """Between the clocks of any two callers, at most; part of the headroom."""
    day_amount: int | None = None
    """Submits of one day (UTC), at most; None without a cap."""

    @property
    def least_headroom_ms(self) -> int:
        """The headroom that is set, or from which on it is learned."""
        return DEFAULT_HEADROOM_MS if self.headroom_ms is None else self.headroom_ms

    @property
    def headroom_limit_ms(self) -> int:
        """The headroom that is set, or up to which it is learned."""
        return LEARNED_HEADROOM_LIMIT_MS if self.headroom_ms is None else self.headroom_ms

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a document that satisfies `tuning.schema.json`."""
        headroom_ms = document.get("headroom_ms", AUTO)
        return cls(
            delay_ms=document["delay_ms"],
            rate_per_s=document["rate_per_s"],
            headroom_ms=None if headroom_ms == AUTO else headroom_ms,
            answers_prove_arrival=document.get("answers_prove_arrival"),
            skew_ms=document.get("skew_ms", DEFAULT_SKEW_MS),
            day_amount=_day_amount(document.get("cap", {})),
        )

    @classmethod
    def default_of(cls, vendor: Vendor) -> Self:
        """Draw the tuning from the contract alone."""
        share = DELAY_SHARE if vendor.dispatch.pacing is Pacing.DELAY else 1.0
        return cls(delay_ms=0, rate_per_s=share * vendor.max_rps(Scope.SUBMIT))


def _day_amount(cap: Mapping[str, Any]) -> int | None:
    """Return the calls of a day that both caps leave: that on calls, and that on money by what a call costs."""
    amounts = [cap["calls_per_day"]] if "calls_per_day" in cap else []
    if "cost_per_day" in cap:
        amounts.append(int(Fraction(str(cap["cost_per_day"])) // Fraction(str(cap["cost_per_call"]))))
    return min(amounts, default=None)
