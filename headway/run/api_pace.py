"""How fast a run may ask Step Functions: quotas of the account, of which it uses a part, and one pace for each API.

AWS throttles each API of an account and region by a token bucket: so many requests at once, and so many more a second.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

SHARE: Final = 0.8
"""Of what refills: the rest is for whoever else asks in this account."""
BURST_SHARE: Final = 0.5
"""Of the bucket, which others may have drawn from."""


@dataclass(frozen=True, slots=True)
class ApiQuota:
    """An account's quota of one API: requests at once, and requests a second after that."""

    bucket_count: int
    refill_per_s: float


@dataclass(frozen=True, slots=True)
class RunQuotas:
    """The quotas that bound a run: those of StartExecution (Standard workflows) and of DescribeExecution."""

    starts: ApiQuota
    describes: ApiQuota

    @classmethod
    def of(cls, region: str, starts_per_s: float | None = None, describes_per_s: float | None = None) -> Self:
        """Return AWS's defaults of a region, with another refill where an account has one."""
        starts, describes = _LARGE if region in _LARGE_REGIONS else _OTHER
        return cls(
            replace(starts, refill_per_s=starts_per_s or starts.refill_per_s),
            replace(describes, refill_per_s=describes_per_s or describes.refill_per_s),
        )


_LARGE_REGIONS: Final = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
_LARGE: Final = (ApiQuota(1_300, 300), ApiQuota(300, 15))
_OTHER: Final = (ApiQuota(800, 150), ApiQuota(250, 10))
"""Step Functions Developer Guide, quotas related to API action throttling, and other quotas."""


class ApiPace:
    """Requests to one API, at a share of its quota; safe to share between threads. `sleep` takes seconds."""

    def __init__(self, quota: ApiQuota, clock_s: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._rate_per_s = SHARE * quota.refill_per_s
        self._most = max(1.0, BURST_SHARE * quota.bucket_count)
        self._left = self._most
        self._clock_s = clock_s
        self._sleep = sleep
        self._since_s = clock_s()
        self._lock = threading.Lock()

    def left_count(self) -> int:
        """Return how many requests may be made now."""
        with self._lock:
            self._refill()
            return max(0, int(self._left))

    def took(self, count: int) -> None:
        """Note requests that are made now."""
        with self._lock:
            self._left -= count

    def wait(self) -> None:
        """Wait until one more request may be made; it counts as made. Who comes first goes first."""
        with self._lock:
            self._refill()
            self._left -= 1
            wait_s = -self._left / self._rate_per_s
        if wait_s > 0:
            self._sleep(wait_s)

    def _refill(self) -> None:
        now_s = self._clock_s()
        self._left = min(self._most, self._left + (now_s - self._since_s) * self._rate_per_s)
        self._since_s = now_s
