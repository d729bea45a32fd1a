"""The vendor's ingress: every call is stamped and counted here, before its token, its body or its path are looked at.

In: ASGI requests. Out: the same requests, or the refusal that the contract or a fault demands.
"""

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Protocol

from headway_lane.contract.limits import Scope
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from headway.simulator.faults import Faults
from headway.simulator.rate import Rate
from headway.simulator.vendor_report import ScopeReport
from headway.simulator.window import US_PER_S, SlidingWindow, utilisation, violations, worst_window

CONTROL_PREFIX = "/_headway/"


def monotonic_us() -> int:
    """Return a monotonic time; `perf_counter`, because `monotonic` ticks in 15 ms steps on Windows."""
    return time.perf_counter_ns() // 1000


class ScopeLog:
    """Every arrival of one scope, and which of them the limit let in.

    One pair of clock readings ties monotonic times to the epoch, so that reported intervals are exact.
    """

    def __init__(self, limit: Rate, now_us: Callable[[], int] = monotonic_us) -> None:
        self.limit = limit
        self._now_us = now_us
        self.reset()

    def reset(self) -> None:
        """Forget all arrivals."""
        self._window = SlidingWindow(self.limit.amount, self.limit.per_us)
        self._arrivals_us: list[int] = []
        self._admitted_us: list[int] = []
        self._epoch_offset_us = time.time_ns() // 1000 - self._now_us()

    def arrive(self, *, turn_away_s: int | None = None) -> int | None:
        """Stamp a call; return None when it may go in, else the whole seconds after which to try again.

        `turn_away_s` refuses the call whatever the window says, and leaves the window untouched.
        """
        now_us = self._now_us()
        self._arrivals_us.append(now_us)
        if turn_away_s is not None:
            return turn_away_s
        decision = self._window.arrive(now_us)
        if not decision.admitted:
            return -(-decision.retry_after_us // US_PER_S)
        self._admitted_us.append(now_us)
        return None

    def report(self) -> ScopeReport:
        """Judge the arrivals so far. Safe from another thread: it works on copies."""
        arrivals_us, admitted_us = list(self._arrivals_us), list(self._admitted_us)
        amount, per_us = self.limit.amount, self.limit.per_us
        return ScopeReport(
            limit=str(self.limit),
            call_count=len(arrivals_us),
            admitted_count=len(admitted_us),
            refused_count=len(arrivals_us) - len(admitted_us),
            worst_window_count=worst_window(arrivals_us, per_us),
            violation_count=violations(arrivals_us, amount, per_us),
            utilisation=utilisation(admitted_us, amount, per_us),
            arrivals_epoch_ms=[(at_us + self._epoch_offset_us) / 1000 for at_us in arrivals_us],
        )


def way_of(mean_s: float, seed: int) -> Callable[[], float]:
    """Return what draws the time on the way: exponential, with that mean; none where it is 0."""
    draw = Random(seed).expovariate  # noqa: S311 - repeatable, not secret
    return (lambda: draw(1 / mean_s)) if mean_s else (lambda: 0.0)


class Classifier(Protocol):
    """The part of a vendor's shape that the ingress needs."""

    def scope_of(self, request: Request) -> Scope:
        """Say which limit the call counts against."""
        ...

    def throttled(self, retry_after_s: int) -> Response:
        """Build the vendor's own 429."""
        ...

    def unavailable(self) -> Response:
        """Build the vendor's own 503."""
        ...


class Ingress:
    """ASGI middleware around the vendor's routes; the control routes pass uncounted. `way_s` draws the time that a call
    still needs until it is at the vendor: the jitter of a network.
    """

    def __init__(
        self,
        app: ASGIApp,
        classifier: Classifier,
        logs: dict[Scope, ScopeLog],
        faults: Faults,
        way_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._app = app
        self._way_s = way_s
        self._classifier = classifier
        self._logs = logs
        self._faults = faults

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Let the call come its way, count it, then let it in or answer it here."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        way_s = self._way_s()
        if way_s:
            await asyncio.sleep(way_s)
        answer = self._stop(self._classifier.scope_of(Request(scope)))
        await (answer or self._app)(scope, receive, send)

    def _stop(self, scope: Scope) -> Response | None:
        turn_away_s = None
        if scope is Scope.SUBMIT and self._faults.refuse_next > 0:
            self._faults.refuse_next -= 1
            turn_away_s = self._faults.retry_after_s
        retry_after_s = self._logs[scope].arrive(turn_away_s=turn_away_s)
        if self._faults.down:
            return self._classifier.unavailable()
        return None if retry_after_s is None else self._classifier.throttled(retry_after_s)
