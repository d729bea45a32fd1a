"""What the simulated vendor sells and how it behaves: every number of a run, in one frozen value."""

from dataclasses import dataclass, field
from enum import StrEnum

from headway.simulator.keys import VendorKeys
from headway.simulator.window import US_PER_S


class Scope(StrEnum):
    """What a limit counts: calls that submit a job, or every other call."""

    SUBMIT = "submit"
    POLL = "poll"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` calls in any half-open window of `per_s` seconds."""

    amount: int
    per_s: float

    def __post_init__(self) -> None:
        if self.amount < 1 or self.per_us < 1:
            raise ValueError(f"a limit needs at least one call and a positive time, not {self}")

    def __str__(self) -> str:
        return f"{self.amount}/{self.per_s:g}"

    @property
    def per_us(self) -> int:
        """The window in microseconds."""
        return round(self.per_s * US_PER_S)

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Read `CALLS/SECONDS`, for example `600/60`."""
        amount, _, per_s = text.partition("/")
        try:
            return cls(int(amount), float(per_s))
        except (ValueError, OverflowError):
            raise ValueError(f"{text!r} is not CALLS/SECONDS, for example 10/1 or 600/60") from None


@dataclass(frozen=True, slots=True)
class Offer:
    """The contract and the temper of one simulated vendor.

    The limits are Replicate's published ones: 600 predictions and 3,000 other calls a minute, per second here.
    `in_flight` is how many jobs it works on at one time, None without a limit. With `shared`, submits and other calls
    are counted together, by `submit`.
    Times are in seconds. `answer_jitter_s` is the mean of an exponential delay on top of `answer_time_s`.
    """

    keys: VendorKeys = field(default_factory=VendorKeys.generate)
    submit: Limit = Limit(10, 1)
    poll: Limit = Limit(50, 1)
    in_flight: int | None = None
    shared: bool = False
    job_time_s: float = 5.0
    answer_time_s: float = 0.05
    answer_jitter_s: float = 0.0
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
        for name in ("job_time_s", "answer_time_s", "answer_jitter_s", "callback_backoff_s", "callback_timeout_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a time in seconds, so not below 0")

    @property
    def limits(self) -> dict[Scope, Limit]:
        """The limit of each scope."""
        return {Scope.SUBMIT: self.submit, Scope.POLL: self.poll}
