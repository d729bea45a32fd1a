"""What a vendor says about its limits (hop 4): status and headers of an answer in, a cool-down for every caller and the
limits that it announces out.

Pure. Nothing here ever speeds anybody up: a vendor with much left over is called as fast as its contract says, and no
faster. What is announced can only be kept beside the contract's limits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from headway_lane.contract.limit_headers import LimitHeaders
from headway_lane.contract.limits import LEAST_WINDOW_S
from headway_lane.limiter.core.limits_told import LimitTold, limits_told
from headway_lane.limiter.core.spans import MILLISECOND_S, point_s, span_s

COOL_DOWN_S: Final = 1.0
"""First cool-down after a refusal that does not say for how long; `Changes.cool_down` lets it grow."""
LONGEST_COOL_DOWN_S: Final = 900.0
"""Longest cool-down that a vendor's word can cause; then somebody asks again."""
PLEADING: Final = frozenset({429, 503})
"""Only here, and where a rule of the contract says so, `Retry-After` speaks of the next call; beside a 202 it says when
to ask for the job's result.
"""
TOO_MANY_REQUESTS: Final = 429
LONGEST_WINDOW_S: Final = 31 * 86_400
"""Longest window of a limit that is announced."""
MOST_CALLS: Final = 10**9
"""Most calls of a limit that is announced: above, it is none."""

_DATES: Final = ("x-amzn-remapped-date", "date")
"""The answer's own time. API Gateway writes a `Date` of its own, and keeps the vendor's under the first name."""
_RETRY_AFTER: Final = re.compile(r"(?:^|.*[-_])retry[-_]after(?:[-_](?P<unit>ms|milliseconds|s|seconds|sec|in))?")
"""`Retry-After`, `retry-after-ms`, `x-ms-retry-after-ms`, `X-RateLimit-Retry-After-Seconds`."""


class Reason(StrEnum):
    """Why everybody is cooling down; stored with the reservations, published as a metric."""

    RETRY_AFTER = "retry_after"
    """A refusal (429, 503, or what a rule says) with `Retry-After`."""
    RATE_LIMIT_HEADER = "rate_limit_header"
    """Nothing remains until a reset, by `RateLimit` and its older forms; also beside a call that was taken."""
    HTTP_429 = "http_429"
    """A 429, or what a rule takes for one, that says no more."""
    UNREAD = "unread"
    """The same, with words on when to come again which nobody can read."""
    CIRCUIT = "circuit"
    """The vendor failed so often in a row that only probes are sent."""


UNSAID: Final = frozenset({Reason.HTTP_429, Reason.UNREAD})
"""Reasons that leave open for how long."""


@dataclass(frozen=True, slots=True)
class CoolDown:
    """Nobody calls for `duration_s`, above 0 and LONGEST_COOL_DOWN_S at most."""

    duration_s: float
    reason: Reason

    @property
    def asked_s(self) -> float | None:
        """Return for how long the vendor asked; None where it did not say."""
        return None if self.reason in UNSAID else self.duration_s


class Announced(NamedTuple):
    """A limit that the vendor says it has: `amount` calls in `per_s` seconds, of which `left_count` remain, where it
    says so.
    """

    amount: int
    per_s: float
    left_count: int | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """What an answer says: the cool-down that it asks for, None where it asks for none, and limits of calls."""

    cool_down: CoolDown | None
    announced: tuple[Announced, ...]


def signals_of(
    status: int,
    headers: Mapping[str, str],
    epoch_s: float,
    *,
    later: bool | None = None,
    named: Sequence[LimitHeaders] = (),
) -> Signals:
    """Read an answer. `later` says whether the vendor asks for patience, None that its status says it (429).

    `epoch_s` is our clock, for points in time that come without the vendor's own `Date`. Headers that the contract has
    `named` are read in the place of those that look like limits. Retry-After goes before the other headers (RFC 9110;
    so does the draft of `RateLimit`). A wish that is over, or of no time at all, says nothing.
    """
    later = status == TOO_MANY_REQUESTS if later is None else later
    said = {name.lower(): value for name, value in headers.items()}
    now_s = next((at_s for name in _DATES if (at_s := point_s(said.get(name, ""))) is not None), epoch_s)
    told = limits_told(said, named, now_s)
    announced = tuple(each for limit in told if (each := _announced(limit)))
    return Signals(_cool_down(later, status in PLEADING, _waits(said, named, now_s), told), announced)


def _cool_down(
    later: bool, pleading: bool, waits: Sequence[float | None], told: Sequence[LimitTold]
) -> CoolDown | None:
    asked = waits if later or pleading else ()
    after_s = max((wait_s for wait_s in asked if wait_s is not None), default=0.0)
    if after_s > 0:
        return CoolDown(min(after_s, LONGEST_COOL_DOWN_S), Reason.RETRY_AFTER)
    spent = [limit for limit in told if limit.left == 0 or (later and limit.left is None)]
    reset_s = max((limit.reset_s or 0.0 for limit in spent), default=0.0)
    if reset_s > 0:
        return CoolDown(min(reset_s, LONGEST_COOL_DOWN_S), Reason.RATE_LIMIT_HEADER)
    if None in asked or (later and any(limit.unread for limit in spent)):
        return CoolDown(COOL_DOWN_S, Reason.UNREAD)
    return CoolDown(COOL_DOWN_S, Reason.HTTP_429) if later else None


def _waits(said: Mapping[str, str], named: Sequence[LimitHeaders], now_s: float) -> Sequence[float | None]:
    """Return what all kinds of `Retry-After` ask for, in seconds; None for each that cannot be read. One that says
    nothing at all is left out.
    """
    units = {each.retry_after: each.unit_s for each in named if each.retry_after}
    if not any(name in said for name in units):
        found = {name: match for name in said if (match := _RETRY_AFTER.fullmatch(name))}
        units = {
            name: MILLISECOND_S if match["unit"] in ("ms", "milliseconds") else 1.0 for name, match in found.items()
        }
    return [span_s(said[name], now_s, unit_s) for name, unit_s in units.items() if said.get(name, "").strip()]


def _announced(told: LimitTold) -> Announced | None:
    """Return a limit of calls that can be kept; None where it is none, or has no window."""
    if told.amount is None or told.per_s is None or not told.of_calls:
        return None
    if not (1 <= told.amount <= MOST_CALLS and LEAST_WINDOW_S <= told.per_s <= LONGEST_WINDOW_S):
        return None
    return Announced(int(told.amount), told.per_s, None if told.left is None else int(told.left))
