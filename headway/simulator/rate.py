"""A rate limit as it is written on a command line: CALLS/SECONDS."""

from dataclasses import dataclass

from headway.simulator.window import US_PER_S


@dataclass(frozen=True, slots=True)
class Rate:
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
    def parse(cls, text: str) -> "Rate":
        """Read `CALLS/SECONDS`, for example `600/60`; ValueError where it is none."""
        amount, _, per_s = text.partition("/")
        try:
            return cls(int(amount), float(per_s))
        except (ValueError, OverflowError):
            raise ValueError(f"{text!r} is not CALLS/SECONDS, for example 10/1 or 600/60") from None
