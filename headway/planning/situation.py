"""What a plan is about: a vendor's contract, an operator's tuning, how fast the vendor answers, and what waits."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import changes_of
from headway_lane.limiter.core.reservations import Rule


@dataclass(frozen=True)
class Situation:
    """`latency_ms` is from the last step before the socket to the vendor's answer to a submit, `job_s` from there to
    its last word on the job. `least_job_s` is what every job takes at least, as far as anybody has said.
    """

    vendor: Vendor
    tuning: Tuning
    latency_ms: int
    backlog_count: int
    job_s: float
    least_job_s: float = 0.0

    @classmethod
    def of(
        cls,
        vendor: Vendor,
        tuning: Tuning,
        latency_ms: int,
        backlog_count: int | None = None,
        job_s: float | None = None,
    ) -> Self:
        """Build a situation; unless given, the backlog is as deep as the soft limit, and jobs take as long as the
        contract waits for their answers.
        """
        backlog_count = backlog_count or max(1, vendor.soft_limit_count)
        longest_s = vendor.waits.answer_s if job_s is None else job_s
        return cls(vendor, tuning, latency_ms, backlog_count, longest_s, least_job_s=job_s or 0.0)

    @property
    def latency_us(self) -> int:
        """The vendor's latency in microseconds."""
        return self.latency_ms * 1_000

    @property
    def latency_s(self) -> float:
        """The vendor's latency in seconds."""
        return self.latency_ms / 1_000

    @property
    def headroom_us(self) -> int:
        """The headroom of permits in microseconds."""
        return self.tuning.headroom_ms * 1_000

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
        slow = self.tuning.answers_prove_arrival and self.rule.is_late(0, self.latency_us)
        return self.by_permits and slow and bool(self.rule.windows)

    @cached_property
    def rule(self) -> Rule:
        """The rule that submits are reserved under. ValueError where no limit counts them."""
        changes = changes_of(self.vendor, Scope.SUBMIT, self.tuning, lambda: 0)
        if changes is None:
            raise ValueError(f"{self.vendor.name} has no limit on submits")
        return changes.rule
