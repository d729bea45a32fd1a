"""What the simulated vendor sells and how it behaves: every number of a run, in one frozen value."""

from dataclasses import dataclass, field, fields
from typing import Final, Self

from headway_lane.contract.limits import Scope
from headway_lane.contract.vendor import Vendor

from headway.simulator.keys import VendorKeys
from headway.simulator.rate import Rate

SUBMIT_RATE: Final = Rate(10, 1)
POLL_RATE: Final = Rate(50, 1)
"""Replicate's published limits, 600 predictions and 3,000 other calls a minute, per second here."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The contract and the temper of one simulated vendor.

    `in_flight` is how many jobs it works on at one time, None without a limit. With `shared`, submits and other calls
    are counted together, by `submit`.
    Times are in seconds. `answer_jitter_s` is the mean of an exponential delay on top of `answer_time_s`,
    `way_jitter_s` that of one on the way to the vendor, before it counts the call.
    """

    keys: VendorKeys = field(default_factory=VendorKeys.generate)
    submit: Rate = SUBMIT_RATE
    poll: Rate = POLL_RATE
    in_flight: int | None = None
    shared: bool = False
    job_time_s: float = 5.0
    answer_time_s: float = 0.05
    answer_jitter_s: float = 0.0
    way_jitter_s: float = 0.0
    fail_ratio: float = 0.0
    callback_attempts: int = 5
    callback_backoff_s: float = 0.5
    callback_timeout_s: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.fail_ratio <= 1:
            raise ValueError(f"fail_ratio is a share between 0 and 1, not {self.fail_ratio}")
        if self.in_flight is not None and self.in_flight < 1:
            raise ValueError(f"in_flight is at least 1, or None, not {self.in_flight}")
        if self.callback_attempts < 1:
            raise ValueError(f"callback_attempts is at least 1, not {self.callback_attempts}")
        for name in (each.name for each in fields(self)):
            if name.endswith("_s") and getattr(self, name) < 0:
                raise ValueError(f"{name} is a time in seconds, so not below 0")

    @classmethod
    def of(cls, vendor: Vendor, keys: VendorKeys) -> Self:
        """Sell what a contract says: the tightest limit of each scope, because the simulator judges by one."""
        return cls(
            keys=keys,
            submit=_tightest(vendor, Scope.SUBMIT) or SUBMIT_RATE,
            poll=_tightest(vendor, Scope.POLL) or POLL_RATE,
            in_flight=vendor.jobs_in_flight,
            shared=vendor.budget_scope(Scope.SUBMIT) is Scope.ANY,
        )

    @property
    def rates(self) -> dict[Scope, Rate]:
        """The rate of each scope that is counted apart."""
        return {Scope.SUBMIT: self.submit, Scope.POLL: self.poll}


def _tightest(vendor: Vendor, scope: Scope) -> Rate | None:
    limit = min(vendor.limits_of(scope), key=lambda limit: limit.rate_per_s, default=None)
    return None if limit is None else Rate(limit.amount, limit.per_s)
