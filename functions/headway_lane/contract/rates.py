"""How fast a contract lets calls through: all its limits together, and the throttle before the vendor."""

import math
from dataclasses import dataclass

from headway_lane.contract.dispatch import Dispatch
from headway_lane.contract.exchange import Callback
from headway_lane.contract.fences import UNCOUNTED, Fence, PermitsFence
from headway_lane.contract.formula import formula
from headway_lane.contract.limits import Limit, Scope, limits_of, max_rps


@dataclass(frozen=True, slots=True)
class Rates:
    """What a contract sells. `jobs_in_flight` is None where the vendor takes as many jobs as there are, `callback`
    where it calls nobody back, so that jobs are polled alone.
    """

    limits: tuple[Limit, ...]
    jobs_in_flight: int | None
    callback: Callback | None
    dispatch: Dispatch

    def limits_of(self, scope: Scope) -> tuple[Limit, ...]:
        """Return the limits that count the calls of a scope, those of any calls among them; all of them for ANY."""
        return limits_of(self.limits, scope)

    def budget_scope(self, scope: Scope) -> Scope:
        """Return the scope that the calls of a scope are reserved under: ANY for all of them where a limit counts both.

        One reserve knows one rule, so polls keep the limits of submits then, and the other way round. That is stricter
        than the contract, and never breaks it.
        """
        return Scope.ANY if any(limit.scope is Scope.ANY for limit in self.limits) else scope

    @property
    def shares(self) -> bool:
        """Whether submits and polls are reserved under one rule for both."""
        return self.budget_scope(Scope.SUBMIT) is Scope.ANY

    def max_rps(self, scope: Scope) -> float:
        """Return the calls per second that the tightest limit of a scope allows; infinite where none counts it.

        Under a limit on any calls that is what one scope may use while the other one is silent.
        """
        return max_rps(self.limits, scope)

    def burst_rps(self, scope: Scope) -> float:
        """Return the calls per second that may go for a while; infinite where no limit counts the scope.

        Permits spend a quota as a burst, pauses do not.
        """
        if not self.dispatch.by_permits:
            return self.max_rps(scope)
        return min((limit.burst_rps for limit in self.limits_of(scope)), default=math.inf)

    @property
    @formula("2", when="shares and callback", note="of the shared reservations: the submit, and a poll for its result")
    @formula("3", when="shares and not callback", note="the same, and one poll more: nobody calls back")
    def calls_per_job_count(self) -> int:
        """What a job takes of reservations that count submits and polls alike: the submit is followed by the poll for
        its result, and by one more at least where nobody calls back.
        """
        return 2 if self.callback else 3

    @property
    @formula(
        "max_any_rps / calls_per_job_count",
        when="shares",
        note="submits, reserved with their polls under all limits at once",
    )
    def lasting_rps(self) -> float:
        """Submits per second that can go on for long: of what is reserved under one rule for both scopes, those that
        leave room for their polls.
        """
        return self.max_rps(Scope.ANY) / self.calls_per_job_count if self.shares else self.max_rps(Scope.SUBMIT)

    def permits_fence(self, scope: Scope) -> PermitsFence | None:
        """Return the throttle of a scope whose calls take permits, None for others. Polls always take them."""
        limits = self.limits_of(scope)
        return PermitsFence.of(limits) if limits and (self.dispatch.by_permits or scope is Scope.POLL) else None

    def fence(self, scope: Scope) -> Fence | None:
        """Return the proxy's throttle for a scope, None where no limit counts it.

        Plain pacing leans on it, so there it keeps every limit by itself, the tightest of each; permits keep the
        contract by themselves, and it refuses none of them. A limit on any calls stands before each scope by itself,
        because API Gateway counts by method: there the fence alone lets up to twice as much through.
        """
        if permits := self.permits_fence(scope):
            return Fence(permits.rate_per_s, permits.burst_count)
        limits = self.limits_of(scope)
        if not limits:
            return None
        return Fence(min(limit.fence_rps for limit in limits), min(limit.fence_burst_count for limit in limits))

    @property
    def poll_fence(self) -> Fence:
        """The proxy's throttle for polls, whether a limit counts them or not."""
        return self.fence(Scope.POLL) or UNCOUNTED
