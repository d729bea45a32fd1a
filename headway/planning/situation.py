"""What a plan is about: a vendor's contract, an operator's tuning, how fast the vendor answers, and what waits."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import changes_of
from headway_lane.limiter.core.reservations import DAY_US
from headway_lane.limiter.core.rule import Rule


@dataclass(frozen=True)
class Situation:
    """`latency_ms` is from the last step before the socket to the vendor's answer to a submit, `job_s` from there to
    its last word on the job. `least_job_s` is what every job takes at least, as far as anybody has said.
    `learned_headroom_ms` holds in the place of the tuning's headroom; None where none was measured.
    """

    vendor: Vendor
    tuning: Tuning
    latency_ms: int
    backlog_count: int
    job_s: float
    least_job_s: float = 0.0
    learned_headroom_ms: int | None = None

    @classmethod
    def of(
        cls,
        vendor: Vendor,
        tuning: Tuning,
        latency_ms: int,
        backlog_count: int | None = None,
        job_s: float | None = None,
        *,
        learned_headroom_ms: int | None = None,
    ) -> Self:
        """Build a situation; unless given, the backlog is as deep as the soft limit, and jobs take as long as the
        contract waits for their answers.
        """
        backlog_count = backlog_count or max(1, vendor.soft_limit_count)
        longest_s = vendor.waits.answer_s if job_s is None else job_s
        least_s = job_s or 0.0
        return cls(vendor, tuning, latency_ms, backlog_count, longest_s, least_s, learned_headroom_ms)

    @property
    def latency_us(self) -> int:
        """The vendor's latency in microseconds."""
        return self.latency_ms * 1_000

    @property
    def latency_s(self) -> float:
        """The vendor's latency in seconds."""
        return self.latency_ms / 1_000

    @property
    def headroom_ms(self) -> int:
        """The headroom of permits: the one that was learned, or is set, or the least of those that are learned."""
        return self.tuning.least_headroom_ms if self.learned_headroom_ms is None else self.learned_headroom_ms

    @property
    def headroom_us(self) -> int:
        """The headroom of permits in microseconds."""
        return self.headroom_ms * 1_000

    @property
    def headroom_is_set(self) -> bool:
        """Whether the headroom of this situation is the operator's, not a learned one or the least of those."""
        return self.tuning.headroom_ms is not None and self.learned_headroom_ms is None

    @property
    def day_s(self) -> int:
        """Seconds of a day."""
        return DAY_US // 1_000_000

    @property
    def contract_day_count(self) -> int:
        """Submits that the contract gives in a day."""
        return int(self.vendor.lasting_rps * self.day_s)

    @property
    def by_permits(self) -> bool:
        """Whether shared permits pace the submits."""
        return self.vendor.dispatch.by_permits

    @property
    def max_rps(self) -> float:
        """Submits per second that the contract's tightest limit allows."""
        return self.vendor.max_rps(Scope.SUBMIT)

    @property
    @formula(
        "jobs_in_flight", when="jobs_in_flight", note="as sold: in-flight permits that calls take before their turns"
    )
    def jobs_in_flight(self) -> int | None:
        """Jobs in flight that the contract sells; None where it does not limit them."""
        return self.vendor.jobs_in_flight

    @property
    def floors_every_call(self) -> bool:
        """Whether every answer comes after the headroom and is taken for a late arrival; quotas have no floors."""
        slow = self.tuning.answers_prove_arrival is True and self.rule.is_late(self.latency_us)
        return self.by_permits and slow and bool(self.rule.windows)

    @cached_property
    def rule(self) -> Rule:
        """The rule that submits are reserved under. ValueError where no limit counts them."""
        learned = self.learned_headroom_ms is not None
        tuning = replace(self.tuning, headroom_ms=None) if learned else self.tuning
        changes = changes_of(self.vendor, Scope.SUBMIT, tuning, lambda: 0)
        if changes is None:
            raise ValueError(f"{self.vendor.name} has no limit on submits")
        return changes.rule.with_headroom(self.headroom_us)
