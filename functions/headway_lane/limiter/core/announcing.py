"""Limits that a vendor announces beside the contract's (hop 4), kept as rules that stand (ADR 0023). Arithmetic.

They can only slow down, and they lapse: whatever a vendor writes, somebody calls and hears anew within ANNOUNCED_US.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.core.reservations import Reservations
from headway_lane.limiter.core.rule import GRAINS, Rule, allows_less, ceil_div, rule_of
from headway_lane.limiter.core.signals import Announced
from headway_lane.limiter.core.steps import StandingRule

ANNOUNCED_US: Final = 900_000_000
"""So long a limit stands that is not announced again: as long as any word of a vendor holds
(`signals.LONGEST_COOL_DOWN_S`).
"""
ANNOUNCED_EVERY_US: Final = 5_000_000
"""Between two writes of what a vendor announces, however often it changes its mind."""
ANNOUNCED_LIMIT: Final = 4
"""So many announced limits stand at a time, those with the shortest windows: the item of a budget stays small."""


def lower_of(told: Sequence[Announced], asked: Rule) -> Sequence[Announced]:
    """Return the limits, shortest window first, that could be broken under a rule."""
    lower = [each for each in told if allows_less(each.amount, _per_us(each), asked)]
    return sorted(lower, key=lambda each: each.per_s)[:ANNOUNCED_LIMIT]


def is_news(lower: Sequence[Announced], standing: Sequence[StandingRule], now_us: int) -> bool:
    """Return whether one of the limits does not stand, or will lapse soon; not so shortly after the last news."""
    untils = {each.announced: each.until_us for each in standing if each.announced}
    if max(untils.values(), default=0) - ANNOUNCED_US > now_us - ANNOUNCED_EVERY_US:
        return False
    return any(untils.get((each.amount, _per_us(each)), 0) < now_us + ANNOUNCED_US // 2 for each in lower)


def standing_with(
    lower: Sequence[Announced], standing: Sequence[StandingRule], asked: Rule, now_us: int
) -> Sequence[StandingRule]:
    """Return what stands when limits were announced: the last word on a window counts."""
    told = {each.announced[1]: each for each in standing if each.announced}
    told |= {_per_us(each): _standing_rule(each, asked, now_us) for each in lower}
    others = [each for each in standing if not each.announced]
    return [*others, *(told[per_us] for per_us in sorted(told)[:ANNOUNCED_LIMIT])]


def counts_under(
    before: Reservations, known: Rule, rule: Rule, lower: Sequence[Announced], now_us: int
) -> tuple[Mapping[int, int], ...]:
    """Return the counts of quotas under a rule that has what was announced beside the one `known`. Of a quota that is
    new so much is used as the vendor says, or nothing where it does not say: it would stand still else.
    """
    held = {quota.grain_us: counts for quota, counts in zip(known.quotas, before.counts, strict=True)}
    used = {ceil_div(_per_us(each), GRAINS): _used(each) for each in lower}
    return tuple(
        held.get(quota.grain_us, {now_us // quota.grain_us: used.get(quota.grain_us, 0)}) for quota in rule.quotas
    )


def _used(told: Announced) -> int:
    return 0 if told.left_count is None else max(0, told.amount - told.left_count)


def _per_us(told: Announced) -> int:
    return ceil_div(told.per_s * 1_000_000, 1)


def _standing_rule(told: Announced, asked: Rule, now_us: int) -> StandingRule:
    limits = [Limit(told.amount, told.per_s, Scope.ANY)]
    rule = rule_of(limits, asked.headroom_us, skew_us=asked.skew_us, headroom_limit_us=asked.headroom_limit_us)
    return StandingRule(rule, now_us + ANNOUNCED_US, (told.amount, _per_us(told)))
