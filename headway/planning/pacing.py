"""The numbers of permits and pauses: how the pace is kept. The values are those of the limiter's own arithmetic."""

import math
from dataclasses import dataclass
from functools import cached_property

from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.core.dispatching import CHUNK_US, LEAD_US
from headway_lane.limiter.core.rule import Quota, Rule, rule_of
from headway_lane.limiter.delay import pause_us

from headway.planning.situation import Situation


@dataclass(frozen=True)
class PermitNumbers:
    """Permits of a situation. What sets their interval: a window by spacing, the burst of a long window, or the
    operator's rate where no limit does.
    """

    situation: Situation

    @property
    def rule(self) -> Rule:
        """The rule that submits are reserved under."""
        return self.situation.rule

    @cached_property
    def interval_limit(self) -> Limit | None:
        """The limit that sets the interval; None where the operator's rate does."""
        vendor = self.situation.vendor
        for limit in vendor.limits_of(vendor.budget_scope(Scope.SUBMIT)):
            alone = rule_of([limit], self.situation.headroom_us)
            if alone.emission_interval_us == self.rule.emission_interval_us:
                return limit
        return None

    @property
    def by_window(self) -> bool:
        """Whether a short window sets the interval."""
        return self.interval_limit is not None and not self.interval_limit.is_quota

    @property
    def by_long_window(self) -> bool:
        """Whether the burst of a long window sets the interval."""
        return self.interval_limit is not None and self.interval_limit.is_quota

    @property
    def by_ceiling(self) -> bool:
        """Whether the operator's rate sets the interval, below all limits."""
        return self.interval_limit is None and self.rule.ceiling is not None

    @property
    def by_rate(self) -> bool:
        """Whether the operator's rate sets the interval of a burst, though it is not below all limits."""
        return self.interval_limit is None and self.rule.ceiling is None

    @property
    def ceiling_amount(self) -> int | None:
        """Calls in the window of the operator's rate."""
        return self.rule.ceiling.amount if self.rule.ceiling else None

    @property
    def ceiling_us(self) -> int | None:
        """Length of the window of the operator's rate."""
        return self.rule.ceiling.per_us if self.rule.ceiling else None

    @property
    def interval_amount(self) -> int | None:
        """Calls that the limit that sets the interval allows."""
        return self.interval_limit.amount if self.interval_limit else None

    @property
    def interval_per_s(self) -> float | None:
        """Window of the limit that sets the interval."""
        return self.interval_limit.per_s if self.interval_limit else None

    @property
    @formula(
        "ceil((ceil(interval_per_s x 1000000) + headroom_us) / interval_amount)",
        when="by_window",
        note="between two permits",
    )
    @formula(
        "ceil(ceil(interval_per_s x 1000000) / (interval_amount x burst_factor))",
        when="by_long_window",
        note="between two permits of a burst; the quota bounds how many",
    )
    @formula(
        "ceil((ceiling_us + headroom_us) / ceiling_amount)",
        when="by_ceiling",
        note="between two permits, by the operator's rate, which is below the contract",
    )
    @formula(
        "ceil(1000000 / rate_per_s)",
        when="by_rate",
        note="between two permits of a burst, by the operator's rate",
    )
    def emission_interval_us(self) -> int:
        """Between two permits, as `limiter.core.reservations.rule_of` draws it."""
        return self.rule.emission_interval_us

    @cached_property
    def stalling(self) -> Quota | None:
        """The quota that stalls for longest; None where none does."""
        found = [quota for quota in self.rule.quotas if self._stall_us(quota) > 0]
        return max(found, key=self._stall_us, default=None)

    @property
    def stall_amount(self) -> int | None:
        """Permits of a burst that uses up the quota that stalls."""
        return self.stalling.amount if self.stalling else None

    @property
    def stall_span_us(self) -> int | None:
        """Time in which the quota that stalls gives its amount."""
        return span_us(self.stalling) if self.stalling else None

    @property
    def stall_rate_per_s(self) -> float | None:
        """Calls per second of the quota that stalls: at that rate it would not."""
        return self.stalling.amount / span_us(self.stalling) * 1_000_000 if self.stalling else None

    @property
    @formula(
        "(stall_span_us - stall_amount x emission_interval_us) / 1000000",
        when="stalling",
        note="nobody gets a permit for so long after a burst has used up the quota",
    )
    def stall_s(self) -> float | None:
        """How long nobody gets a permit after a burst, in seconds."""
        return self._stall_us(self.stalling) / 1_000_000 if self.stalling else None

    @property
    @formula("max(1, floor(chunk_us / emission_interval_us))", note="per reservation")
    def chunk_count(self) -> int:
        """Permits of one reservation, as `limiter.pace` reserves them."""
        return max(1, CHUNK_US // self.emission_interval_us)

    @property
    def late_writes(self) -> int:
        """Writes for the floors of late arrivals: one a call, or none."""
        return int(self.situation.floors_every_call)

    @property
    @formula(
        "ceil(batch_size / chunk_count) / batch_size + late_writes",
        note="to the reservations of permits; late_writes is 1 where every answer puts a floor",
    )
    def writes_per_call(self) -> float:
        """Writes to the reservations, for one call of a full batch."""
        batch_size = self.situation.vendor.dispatch.batch_size
        return math.ceil(batch_size / self.chunk_count) / batch_size + self.late_writes

    @property
    @formula(
        "1 / (1 + headroom_us / (interval_per_s x 1000000))",
        when="by_window",
        note="what the headroom leaves, before the interval is rounded up",
    )
    def utilisation_limit(self) -> float | None:
        """Share of the contract that the headroom leaves where a short window sets the interval."""
        if self.interval_limit is None or not self.by_window:
            return None
        return 1 / (1 + self.situation.headroom_us / (self.interval_limit.per_s * 1_000_000))

    @property
    def shortest_window_us(self) -> float:
        """The shortest window that is kept by spacing; infinite where none is."""
        return min((window.per_us for window in self.rule.windows), default=math.inf)

    @property
    def waited_s(self) -> float:
        """How long a call is under way before its slot."""
        return LEAD_US / 1_000_000

    @property
    def turn_s(self) -> float:
        """How long a call waits for its turn with an in-flight permit in its hand: the lead of its permit."""
        return self.waited_s

    @property
    def headroom_percent(self) -> float:
        """What the headroom costs of the contract, beside a rule without one."""
        vendor = self.situation.vendor
        limits = vendor.limits_of(vendor.budget_scope(Scope.SUBMIT))
        with_it, without = (_rate_per_s(rule_of(limits, headroom)) for headroom in (self.situation.headroom_us, 0))
        return 100 * (1 - with_it / without)

    def _stall_us(self, quota: Quota) -> int:
        return span_us(quota) - quota.amount * self.rule.emission_interval_us


@dataclass(frozen=True)
class PauseNumbers:
    """Pauses of a situation with plain pacing."""

    situation: Situation

    @property
    @formula(
        "max(delay_ms x 1000, ceil(dispatchers_count x 1000000 / min(rate_per_s, max_rps)))",
        note="of one dispatcher between two calls",
    )
    def pause_us(self) -> int:
        """Pause of one dispatcher, as `limiter.delay` draws it."""
        return self._pause_us(self.situation.vendor.dispatch.dispatchers_count)

    @property
    def waited_s(self) -> float:
        """How long a call is under way before its turn: it has had its turn before it is started."""
        return 0

    @property
    def turn_s(self) -> float:
        """How long a call waits for its turn with an in-flight permit in its hand: a pause."""
        return self._pause_us(self.situation.vendor.dispatch.maximum_concurrency) / 1_000_000

    @property
    def headroom_percent(self) -> float:
        """Pauses have no headroom."""
        return 0

    def _pause_us(self, dispatchers_count: int) -> int:
        return pause_us(self.situation.tuning, self.situation.max_rps, dispatchers_count)


def pacing_of(situation: Situation) -> PermitNumbers | PauseNumbers:
    """Return the numbers of what keeps the pace."""
    return PermitNumbers(situation) if situation.by_permits else PauseNumbers(situation)


def span_us(quota: Quota) -> int:
    """Return the time in which a quota gives its amount: the window and up to two grains."""
    return quota.span_count * quota.grain_us


def _rate_per_s(rule: Rule) -> float:
    quotas = [quota.amount / span_us(quota) * 1_000_000 for quota in rule.quotas]
    return min([1_000_000 / rule.emission_interval_us, *quotas])
