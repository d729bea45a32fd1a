"""How long what waits takes at a rate, and what then reaches its deadline. Pure."""

import math
from dataclasses import dataclass

from headway_lane.contract.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a lane's request queues, and how long it takes at a rate, in calls per second.

    `patience_s` is how long a call may wait before its task ends: the heartbeat of the task that waits for it.
    """

    waiting_count: int
    rate_per_s: float
    patience_s: float

    @property
    def takes_s(self) -> float:
        """How long the queue takes to be emptied, where nothing else comes."""
        return self.waiting_count / self.rate_per_s

    @property
    def expiring_count(self) -> int:
        """Calls that cannot leave within their patience, where none has waited yet: so many at least."""
        return max(0, self.waiting_count - math.floor(self.rate_per_s * self.patience_s))

    def __str__(self) -> str:
        """Say it in a line."""
        if not self.waiting_count:
            return "nothing waits"
        said = f"{self.waiting_count:,} wait: {duration(self.takes_s)} at {self.rate_per_s:g}/s"
        if self.expiring_count:
            said += f"; {self.expiring_count:,} of them at least reach their deadline of {duration(self.patience_s)}"
        return said


@dataclass(frozen=True, slots=True)
class PauseForecast:
    """What a pause costs: `waiting_count` calls wait now, the oldest for `oldest_s` (None where nobody knows)."""

    waiting_count: int
    patience_s: float
    oldest_s: float | None = None

    @property
    def first_s(self) -> float | None:
        """When the first of them reaches its deadline, from now; None where nobody knows."""
        return None if self.oldest_s is None else max(0.0, self.patience_s - self.oldest_s)

    def __str__(self) -> str:
        """Say it in a line."""
        if not self.waiting_count:
            return f"nothing waits; a call that comes now reaches its deadline in {duration(self.patience_s)}"
        first = "" if self.first_s is None else f", the first of them in {duration(self.first_s)}"
        return f"{self.waiting_count:,} wait, and reach their deadlines within {duration(self.patience_s)}{first}"


def backlog_of(vendor: Vendor, waiting_count: int, rate_per_s: float) -> Backlog:
    """Return the forecast of a lane at a tuning's rate, which the contract bounds in the long run."""
    return Backlog(waiting_count, min(rate_per_s, vendor.lasting_rps), vendor.call_heartbeat_s)


def duration(seconds: float) -> str:
    """Say a duration as people do, rounded up to whole seconds: `16 min 40 s`, `2 h 5 min`."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")
