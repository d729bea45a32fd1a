"""What a plan calls the numbers of the classes that compute them.

Most keep their names. A limit has the same fields whatever it limits, and so have the bounds: those get names of their
own in a plan, in formulas too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from inspect import getmembers_static
from typing import Any, Final

from headway_lane.contract.dispatch import Dispatch
from headway_lane.contract.fences import PermitsFence
from headway_lane.contract.formula import Formula, formulas
from headway_lane.contract.limits import Limit
from headway_lane.contract.vendor import Vendor

from headway.planning.bounds import (
    AnswersBound,
    DelayBound,
    JobsInFlightBound,
    QuotaBound,
    ScheduleBound,
    SharedBound,
    SpacingBound,
)
from headway.planning.forecast import Forecast
from headway.planning.formulas import replace_terms
from headway.planning.pacing import PauseNumbers, PermitNumbers
from headway.planning.recommendation import Recommendation
from headway.planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Naming:
    """`names` says what to take from a class, and as what; empty: everything by its own name.

    `when` is a condition on the vendor (see `Formula`): for which vendors this is taken at all.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    when: str = ""
    note: str = ""

    def formulas(self, kind: type) -> Mapping[str, Sequence[Formula]]:
        """Return the formulas of a class by the plan's names, and in them."""
        return {
            self.names.get(name, name): [self._renamed(variant) for variant in variants]
            for name, variants in formulas(kind).items()
            if not self.names or name in self.names
        }

    def holding(self, owner: object) -> Mapping[str, Formula]:
        """Return the formulas that hold for an owner by the plan's names; one at most for each name."""
        return {
            self.names.get(name, name): self._renamed(variant)
            for name, variants in formulas(type(owner)).items()
            if not self.names or name in self.names
            for variant in variants
            if variant.holds(owner)
        }

    def numbers(self, owner: object) -> Mapping[str, float]:
        """Return the numbers of an owner by the plan's names: whole ones and floats, no truth values."""
        names = self.names or {name: name for name in _public(owner)}
        values: dict[str, Any] = {name: getattr(owner, own, None) for own, name in names.items()}
        return {name: value for name, value in values.items() if type(value) in (int, float)}

    def _renamed(self, variant: Formula) -> Formula:
        text = replace_terms(variant.text, lambda name: self.names.get(name, name))
        return replace(variant, text=text, when=variant.when or self.when, note=self.note or variant.note)


def _public(owner: object) -> Sequence[str]:
    own = [each.name for each in fields(owner)] if is_dataclass(owner) else []
    properties = [name for name, member in getmembers_static(type(owner)) if isinstance(member, property)]
    return [name for name in (*own, *properties) if not name.startswith("_")]


def _permits_fence(name: str, when: str = "") -> Naming:
    """Name the numbers of a fence around permits."""
    own = ("rate_per_s", "burst_count", "amount", "per_s", "factor", "calls", "per_us", "spaced_calls", "spaced_us")
    return Naming({each: f"{name}_{each}" for each in own}, when=when)


AS_IS: Final = Naming()
TIGHTEST: Final = Naming(
    {"rate_per_s": "max_rps", "amount": "contract_amount", "per_s": "contract_per_s"},
    note="the tightest limit on submits",
)
SUBMIT_FENCE: Final = _permits_fence("fence", when="dispatch.by_permits")
POLL_FENCE: Final = _permits_fence("poll_fence")
PLAIN_FENCE: Final[Mapping[str, Naming]] = {
    "fence_rps": Naming(
        {
            "fence_rps": "fence_rate_per_s",
            "amount": "fence_amount",
            "per_s": "fence_per_s",
            "fence_burst_count": "fence_burst",
        },
        when="not dispatch.by_permits",
    ),
    "amount": Naming(
        {"fence_burst_count": "fence_burst_count", "amount": "fence_least_amount"}, when="not dispatch.by_permits"
    ),
}
"""Of the limits that set the fence of plain pacing, which may be two; the key is what each has the least of."""
SLOWEST: Final = Naming(
    {"predicted_rps": "predicted_rps"}
    | {name: f"slowest_{name}" for name in ("quota_amount", "span_us", "window_amount", "window_us", "reserved_rps")}
)
"""The bound that sets the rate; what it has in common with the other bounds keeps its name."""
LONGEST: Final = Naming(
    {
        name: name
        for name in (
            "backlog_s",
            "quota_amount",
            "span_us",
            "rest_count",
            "window_amount",
            "window_us",
            "reserved_backlog_s",
        )
    }
)
"""The bound that sets the time for the backlog, which may be another one."""
_BOUNDS: Final = (
    SpacingBound,
    QuotaBound,
    AnswersBound,
    DelayBound,
    ScheduleBound,
    SharedBound,
    JobsInFlightBound,
)
NAMED: Final[Sequence[tuple[type, Naming]]] = (
    *((kind, AS_IS) for kind in (Vendor, Dispatch, Situation, Recommendation, PermitNumbers, PauseNumbers, Forecast)),
    *((kind, naming) for naming in (SLOWEST, LONGEST) for kind in _BOUNDS),
    (Limit, TIGHTEST),
    *((PermitsFence, naming) for naming in (SUBMIT_FENCE, POLL_FENCE)),
    *((Limit, naming) for naming in PLAIN_FENCE.values()),
)
"""Every class that has formulas, with what a plan calls its numbers."""
