"""The rule of a budget (hop 4): all limits that it keeps, and the spacing of permits that follows. Arithmetic.

Integers only, in microseconds; every division rounds to the vendor's side. `reservations` says why the spacing holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from headway_lane.contract.limits import Limit

GRAINS: Final = 60


@dataclass(frozen=True, slots=True)
class Window:
    """At most `amount` arrivals in any half-open window of `per_us`; kept by spacing."""

    amount: int
    per_us: int


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `amount` permits in any `span_count` consecutive grains of `grain_us`."""

    amount: int
    grain_us: int
    span_count: int


@dataclass(frozen=True, slots=True)
class Rule:
    """All limits of one budget as arithmetic: the windows that spacing keeps, quotas, the least interval between
    neighbours that the bursts of quotas leave, and the operator's rate, a `ceiling` that spacing keeps, too.

    `skew_us` is the part of the headroom that clocks may differ by: an answer is late without it. The headroom grows
    with what is measured, up to `headroom_limit_us`; where both are equal it stays as the operator has set it.
    `day_amount` is the cap on permits of one day (UTC), None without one.
    """

    headroom_us: int
    windows: tuple[Window, ...]
    quotas: tuple[Quota, ...]
    least_interval_us: int
    skew_us: int = 0
    headroom_limit_us: int = 0
    day_amount: int | None = None
    ceiling: Window | None = None
    emission_interval_us: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        spaced_us = (ceil_div(window.per_us + self.headroom_us, window.amount) for window in self.spaced)
        object.__setattr__(self, "emission_interval_us", max(self.least_interval_us, *spaced_us, 0))

    @property
    def spaced(self) -> tuple[Window, ...]:
        """All windows that spacing keeps: the contract's, and the operator's ceiling."""
        return (*self.windows, self.ceiling) if self.ceiling else self.windows

    def is_late(self, after_us: int) -> bool:
        """Return whether a call that is known to have arrived only so long after its slot, on its caller's clock, may
        have arrived after its headroom.
        """
        return after_us > self.headroom_us - self.skew_us

    def with_headroom(self, headroom_us: int) -> "Rule":
        """Return the rule under another headroom, within its limit."""
        within_us = min(headroom_us, self.headroom_limit_us)
        return self if within_us <= self.headroom_us else replace(self, headroom_us=within_us)

    @property
    def forget_us(self) -> int:
        """So long a pause forgets every call before it, as far as short windows go."""
        return max((window.per_us + self.headroom_us for window in self.windows), default=self.emission_interval_us)


def rule_of(
    limits: Sequence[Limit],
    headroom_us: int,
    ceiling_per_s: float = math.inf,
    skew_us: int = 0,
    *,
    headroom_limit_us: int = 0,
    day_amount: int | None = None,
) -> Rule:
    """Turn limits that all hold, and an operator's ceiling, into a rule; every division rounds to the vendor's side.

    A ceiling below all limits is kept as strictly as they are: who lowers a rate to 5/s means that the vendor sees no
    sixth call in any second. One that is not only spaces the bursts of quotas.

    Raises ValueError where there is no limit: unlimited budgets have no permits.
    """
    if not limits:
        raise ValueError("no limit: nothing to permit")
    intervals, windows, quotas = [ceil_div(1_000_000 / ceiling_per_s, 1)], [], []
    limit_us = max(headroom_us, headroom_limit_us)
    for limit in limits:
        per_us = ceil_div(limit.per_s * 1_000_000, 1)
        if not limit.is_quota:
            windows.append(Window(limit.amount, per_us))
            continue
        grain_us = ceil_div(per_us, GRAINS)
        quotas.append(Quota(limit.amount, grain_us, ceil_div(per_us + max(limit_us, grain_us), grain_us) + 1))
        intervals.append(ceil_div(per_us, limit.amount * limit.burst_factor))
    below = all(ceiling_per_s < limit.amount / limit.per_s for limit in limits)
    ceiling, skew_us = _window_of(ceiling_per_s) if below else None, min(skew_us, headroom_us)
    return Rule(headroom_us, tuple(windows), tuple(quotas), max(intervals), skew_us, limit_us, day_amount, ceiling)


def strictest(rules: Sequence[Rule]) -> Rule:
    """Return the rule that keeps all of these, one at least: what is sent under it breaks none of them."""
    first, *others = rules
    for other in others:
        if other != first:
            first = _both(first, other)
    return first


def allows_less(amount: int, per_us: int, rule: Rule) -> bool:
    """Return whether a limit of `amount` calls in any window of `per_us` could be broken under a rule's limits."""
    windows = [(window.amount, window.per_us) for window in rule.windows]
    quotas = [(quota.amount, quota.grain_us * GRAINS) for quota in rule.quotas]
    return all(ceil_div(per_us, known_us) * known > amount for known, known_us in (*windows, *quotas))


def stricter(after: Rule, before: Rule) -> bool:
    """Return whether permits that one rule allowed may break a limit of the other: a window or a quota is new or
    smaller. A lower ceiling and a wider headroom are no limits of the vendor's: what is reserved stays.
    """
    windows = {window.per_us: window.amount for window in before.windows}
    quotas = {quota.grain_us: quota.amount for quota in before.quotas}
    return any(windows.get(window.per_us, math.inf) > window.amount for window in after.windows) or any(
        quotas.get(quota.grain_us, math.inf) > quota.amount for quota in after.quotas
    )


def _both(one: Rule, other: Rule) -> Rule:
    windows: dict[int, int] = {}
    for window in (*one.windows, *other.windows):
        windows[window.per_us] = min(window.amount, windows.get(window.per_us, window.amount))
    quotas: dict[int, Quota] = {}
    for quota in (*one.quotas, *other.quotas):
        known = quotas.get(quota.grain_us, quota)
        spans = max(quota.span_count, known.span_count)
        quotas[quota.grain_us] = Quota(min(quota.amount, known.amount), quota.grain_us, spans)
    ceilings = [rule.ceiling for rule in (one, other) if rule.ceiling is not None]
    caps = [rule.day_amount for rule in (one, other) if rule.day_amount is not None]
    return Rule(
        max(one.headroom_us, other.headroom_us),
        tuple(Window(amount, per_us) for per_us, amount in windows.items()),
        tuple(quotas.values()),
        max(one.least_interval_us, other.least_interval_us),
        max(one.skew_us, other.skew_us),
        max(one.headroom_limit_us, other.headroom_limit_us),
        min(caps, default=None),
        max(ceilings, key=lambda ceiling: ceiling.per_us / ceiling.amount, default=None),
    )


def _window_of(rate_per_s: float) -> Window:
    """Return the window of a rate: that of as many whole calls as come in a second, or of one."""
    amount = max(1, math.floor(rate_per_s))
    return Window(amount, ceil_div(amount * 1_000_000 / rate_per_s, 1))


def carried(
    before: Rule, after: Rule, counts: Sequence[Mapping[int, int]], full_us: int
) -> tuple[Mapping[int, int], ...]:
    """Return the counts of quotas under another rule. A quota that was not kept before starts full at `full_us`: what
    was used of it is unknown.
    """
    known = {quota.grain_us: held for quota, held in zip(before.quotas, counts, strict=True)}
    return tuple(known.get(quota.grain_us, {full_us // quota.grain_us: quota.amount}) for quota in after.quotas)


def ceil_div(dividend: float, divisor: int) -> int:
    """Divide, rounded up."""
    return -int(-dividend // divisor)
