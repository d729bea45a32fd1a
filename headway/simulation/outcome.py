"""What a simulation showed: counts from inside, and the verdict of the vendor's door."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from headway_lane.contract.limits import Limit
from headway_lane.limiter.core.rule import Rule

from headway.simulator import window

US_PER_S = 1_000_000


@dataclass(slots=True)
class Tally:
    """Counts of one lane, or of several together."""

    missed_count: int = 0
    """Permits whose caller came too late."""
    void_count: int = 0
    """Permits that were called back by a floor before they were used."""
    late_count: int = 0
    """Answers after the headroom; each may put a floor under a later call."""
    rebase_count: int = 0
    """Floors under permits that were reserved already: they are void and reserved anew."""
    crash_count: int = 0
    duplicate_count: int = 0
    returned_count: int = 0
    """Calls that went back to the queue: after a crash, for a slot far away, or for too many lost races."""
    write_count: int = 0
    lost_race_count: int = 0
    read_count: int = 0

    def __add__(self, other: Self) -> "Tally":
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class LimitSeen:
    """One limit as the vendors saw it: worst of all vendors; utilisation is their mean, None for a handful of calls.

    `ceiling` is what the arithmetic allows: 1 / (1 + headroom / W) for the limit that binds.
    """

    amount: int
    per_us: int
    worst_count: int
    violation_count: int
    utilisation: float | None
    ceiling: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole simulation. `sample_us` are the arrivals at the first vendor, ascending, from the start on."""

    calls_count: int
    vendors_count: int
    virtual_us: int
    limits: tuple[LimitSeen, ...]
    tally: Tally
    sample_us: Sequence[int]

    @property
    def violation_count(self) -> int:
        """Violations of all limits at all vendors."""
        return sum(limit.violation_count for limit in self.limits)

    @property
    def binding(self) -> LimitSeen:
        """The limit that decides how fast it goes: the one that may be used most."""
        return max(self.limits, key=lambda limit: limit.ceiling)

    @property
    def rate_per_s(self) -> float:
        """Calls per virtual second at all vendors together, from the start to the last arrival."""
        return self.calls_count * US_PER_S / max(1, self.virtual_us)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; the arrivals stay out."""
        return {
            "calls_count": self.calls_count,
            "vendors_count": self.vendors_count,
            "virtual_s": self.virtual_us / US_PER_S,
            "rate_per_s": self.rate_per_s,
            "violation_count": self.violation_count,
            "utilisation": self.binding.utilisation,
            "utilisation_ceiling": self.binding.ceiling,
            "limits": [asdict(limit) for limit in self.limits],
            **asdict(self.tally),
        }


def ceiling_of(limit: Limit, rule: Rule) -> float:
    """Return the share of a limit that its rule lets be used over a long time."""
    per_us = [rule.emission_interval_us, *(quota.span_count * quota.grain_us / quota.amount for quota in rule.quotas)]
    return US_PER_S / max(per_us) / limit.rate_per_s


def seen(limits: Sequence[Limit], rule: Rule, arrivals_us: Sequence[int]) -> tuple[LimitSeen, ...]:
    """Judge the arrivals at one vendor's door."""
    found = []
    for limit in limits:
        per_us = round(limit.per_s * US_PER_S)
        found.append(
            LimitSeen(
                amount=limit.amount,
                per_us=per_us,
                worst_count=window.worst_window(arrivals_us, per_us),
                violation_count=window.violations(arrivals_us, limit.amount, per_us),
                utilisation=window.utilisation(arrivals_us, limit.amount, per_us),
                ceiling=ceiling_of(limit, rule),
            )
        )
    return tuple(found)


def together(vendors: Sequence[Sequence[LimitSeen]]) -> tuple[LimitSeen, ...]:
    """Join the verdicts of several vendors with the same contract."""
    joined = []
    for same in zip(*vendors, strict=True):
        used = [limit.utilisation for limit in same if limit.utilisation is not None]
        joined.append(
            LimitSeen(
                amount=same[0].amount,
                per_us=same[0].per_us,
                worst_count=max(limit.worst_count for limit in same),
                violation_count=sum(limit.violation_count for limit in same),
                utilisation=sum(used) / len(used) if used else None,
                ceiling=same[0].ceiling,
            )
        )
    return tuple(joined)
