"""Permits (hop 4): when the next calls may reach the vendor, so that no window breaks the contract. Arithmetic.

A permit is a slot: the microsecond at which its call leaves. Its call arrives at the vendor's door later, but within
`headroom` (jitter and clock skew together): in [slot, slot + headroom). Three rules follow, integers only:

* Short windows (W below LONG_WINDOW_S) by even spacing: N calls per W, one every `ceil((W + headroom) / N)`. Of N + 1
  slots in a row the last is W + headroom after the first at least, so their arrivals never share a half-open window W.
* Long windows by a quota: permits are counted in grains of W / GRAINS. Arrivals in a window W have slots in an interval
  of W + headroom, which touches `ceil((W + headroom) / grain) + 1` grains at most: those together may hold N.
* A call that broke the headroom keeps the call N numbers behind it back: its answer came at `answered_us`, so it had
  arrived by then, and the N-th after it may leave at `answered_us + W`. Where that one is not reserved yet it gets a
  floor; where it is, it and all behind it shift by what is missing. An answer within the headroom proves that nothing
  is missing, so for a vendor that answers promptly the bound rests on no guess about jitter.

The price: N per W + headroom for spacing, and two grains more for quotas.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from headway_lane.contract.limits import Limit
from headway_lane.limiter.core.circuit import CLOSED, Circuit
from headway_lane.limiter.core.signals import Reason

GRAINS: Final = 60
OUTSTANDING_US: Final = 30_000_000
"""A shift is known to all permits in use when so much of the reservations lies behind it: nobody waits that long for a
slot.
"""


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
    """All limits of one budget as arithmetic: the spacing of neighbours and the windows it keeps, and quotas.

    `skew_us` is the part of the headroom that clocks may differ by: an answer is late without it.
    """

    emission_interval_us: int
    headroom_us: int
    windows: tuple[Window, ...]
    quotas: tuple[Quota, ...]
    skew_us: int = 0

    def is_late(self, slot_us: int, answered_us: int) -> bool:
        """Return whether an answer leaves open that its call arrived after the headroom; both on the caller's clock."""
        return answered_us - slot_us > self.headroom_us - self.skew_us

    @property
    def forget_us(self) -> int:
        """So long a pause forgets every call before it, as far as short windows go."""
        return max((window.per_us + self.headroom_us for window in self.windows), default=self.emission_interval_us)


@dataclass(frozen=True, slots=True)
class Permit:
    """The right of one call to leave at `slot_us` (epoch): the `number`-th of its budget, given in a generation.

    `shifted_us` is what the reservations' shifts came to for its number when it was reserved: by what they come to
    later, beyond that, the slot has moved (`slot_now`).
    """

    slot_us: int
    number: int
    generation: int
    shifted_us: int = 0


@dataclass(frozen=True, slots=True)
class Floor:
    """The permit `number` may not be before `slot_us`."""

    number: int
    slot_us: int


@dataclass(frozen=True, slots=True)
class Shift:
    """Permits from `number` on, reserved already, leave `by_us` later."""

    number: int
    by_us: int


@dataclass(frozen=True, slots=True)
class Reservations:
    """What is reserved of one budget: the first free slot and its number, floors under numbers to come, and for each
    quota the permits per grain (index -> count).

    `shifts` are those that a permit in use may not know of yet; `shifted_us` is the sum of the older ones, which hold
    for every number.

    A cool-down or a changed rule starts a new generation, which begins at `resume_us`; permits of the generation before
    hold below `void_from_us` only. The vendor's last cool-down and the circuit say why, and outlive what changes them.
    """

    theoretical_arrival_us: int
    number: int
    counts: tuple[Mapping[int, int], ...]
    floors: tuple[Floor, ...] = ()
    generation: int = 0
    void_from_us: int = 0
    resume_us: int = 0
    shifts: tuple[Shift, ...] = ()
    shifted_us: int = 0
    cool_down_until_us: int = 0
    cool_down_reason: Reason | None = None
    circuit: Circuit = CLOSED


def rule_of(limits: Sequence[Limit], headroom_us: int, ceiling_per_s: float = math.inf, skew_us: int = 0) -> Rule:
    """Turn limits that all hold, and an operator's ceiling, into a rule; every division rounds to the vendor's side.

    Raises ValueError where there is no limit: unlimited budgets have no permits.
    """
    if not limits:
        raise ValueError("no limit: nothing to permit")
    intervals, windows, quotas = [_ceil(1_000_000 / ceiling_per_s, 1)], [], []
    for limit in limits:
        per_us = _ceil(limit.per_s * 1_000_000, 1)
        if not limit.is_quota:
            windows.append(Window(limit.amount, per_us))
            intervals.append(_ceil(per_us + headroom_us, limit.amount))
            continue
        grain_us = _ceil(per_us, GRAINS)
        quotas.append(Quota(limit.amount, grain_us, _ceil(per_us + max(headroom_us, grain_us), grain_us) + 1))
        intervals.append(_ceil(per_us, limit.amount * limit.burst_factor))
    return Rule(max(intervals), headroom_us, tuple(windows), tuple(quotas), min(skew_us, headroom_us))


def no_reservations(rule: Rule) -> Reservations:
    """Return the reservations of a budget that nobody has used."""
    return Reservations(theoretical_arrival_us=0, number=0, counts=tuple({} for _ in rule.quotas))


def reserve(rule: Rule, before: Reservations, earliest_us: int, count: int) -> tuple[Reservations, tuple[Permit, ...]]:
    """Reserve `count` permits from `earliest_us` on; returns the new reserve and the permits, ascending.

    Slots never go back: a caller whose clock is behind gets what is free after everybody else's.
    """
    theoretical_arrival_us, counts = max(before.theoretical_arrival_us, earliest_us), before.counts
    permits = []
    for number in range(before.number, before.number + count):
        floor_us = max((floor.slot_us for floor in before.floors if floor.number <= number), default=0)
        slot_us = _first_free(rule, counts, max(theoretical_arrival_us, floor_us))
        counts = tuple(_count(quota, held, slot_us) for quota, held in zip(rule.quotas, counts, strict=True))
        permits.append(Permit(slot_us, number, before.generation, _shift_of(before, number)))
        theoretical_arrival_us = slot_us + rule.emission_interval_us
    counts = tuple(_recent(quota, held, earliest_us) for quota, held in zip(rule.quotas, counts, strict=True))
    number = before.number + count
    floors = tuple(floor for floor in before.floors if floor.number >= number)
    known = number - _ceil(OUTSTANDING_US, rule.emission_interval_us)
    after = replace(
        before,
        theoretical_arrival_us=theoretical_arrival_us,
        number=number,
        counts=counts,
        floors=floors,
        shifts=tuple(shift for shift in before.shifts if shift.number > known),
        shifted_us=before.shifted_us + sum(shift.by_us for shift in before.shifts if shift.number <= known),
    )
    return after, tuple(permits)


def first_free(rule: Rule, before: Reservations) -> Permit:
    """Return the permit that would be reserved next, at any time."""
    number = before.number
    floor_us = max((floor.slot_us for floor in before.floors if floor.number <= number), default=0)
    slot_us = _first_free(rule, before.counts, max(before.theoretical_arrival_us, floor_us))
    return Permit(slot_us, number, before.generation, _shift_of(before, number))


def cancel(rule: Rule, before: Reservations, permits: Sequence[Permit]) -> Reservations:
    """Free permits that nobody will use, where nobody has reserved behind them; others stay as gaps, which break
    nothing.

    `permits` are neighbours, ascending. Where a floor, a shift or a quota had kept the next one back, a floor still
    does: the reservations has forgotten why.
    """
    if not permits or (permits[-1].number, permits[-1].generation) != (before.number - 1, before.generation):
        return before
    counts = []
    for quota, held in zip(rule.quotas, before.counts, strict=True):
        left = dict(held)
        for permit in permits:
            grain = permit.slot_us // quota.grain_us
            if grain in left:
                left[grain] -= 1
        counts.append(left)
    slots_us = [permit.slot_us + _shift_of(before, permit.number) - permit.shifted_us for permit in permits]
    nexts_us = [*slots_us[1:], before.theoretical_arrival_us]
    kept_back = tuple(
        Floor(permit.number + 1, theoretical_arrival_us)
        for permit, slot_us, theoretical_arrival_us in zip(permits, slots_us, nexts_us, strict=True)
        if theoretical_arrival_us > slot_us + rule.emission_interval_us
    )
    return replace(
        before,
        theoretical_arrival_us=slots_us[0],
        number=permits[0].number,
        counts=tuple(counts),
        floors=(*kept_back, *before.floors),
        shifts=tuple(shift for shift in before.shifts if shift.number <= permits[0].number),
    )


def late(rule: Rule, before: Reservations, permit: Permit, answered_us: int) -> Reservations:
    """Keep the calls behind one that was answered after its headroom: it may have arrived as late as that.

    A successor that lies far enough behind anyhow, because others were later, needs no floor of its own. Where it is
    reserved already, it shifts with all behind it, by what its slot lacks at most: slots are
    an interval apart at least, and further by every shift between. Quotas count the call where it was answered: whoever
    is reserved from now on shares a window with that grain, or with none of its own.
    """
    counts = tuple(
        _moved(quota, held, permit.slot_us, answered_us) for quota, held in zip(rule.quotas, before.counts, strict=True)
    )
    after = replace(before, counts=counts)
    for window in rule.windows:
        successor, from_us = permit.number + window.amount, answered_us + rule.skew_us + window.per_us
        if successor >= before.number:
            if _least(rule, after, successor) < from_us:
                after = replace(after, floors=(*after.floors, Floor(successor, from_us)))
            continue
        least_us = (
            permit.slot_us - permit.shifted_us + window.amount * rule.emission_interval_us + _shift_of(after, successor)
        )
        if least_us < from_us:
            by_us = from_us - least_us
            shifts = (*after.shifts, Shift(successor, by_us))
            after = replace(after, shifts=shifts, theoretical_arrival_us=after.theoretical_arrival_us + by_us)
    return after


def rebase(rule: Rule, before: Reservations, from_us: int, resume_us: int) -> Reservations:
    """Void all permits from `from_us` on and reserve anew from `resume_us`: after a cool-down, or under a changed rule.

    Slots never go back, and void permits stay in the quotas: some of them are used by callers that have looked at the
    reserve already. Counts of other grains (empty here) make the quotas start full: what was used is unknown.
    """
    counts = before.counts or tuple({from_us // quota.grain_us: quota.amount} for quota in rule.quotas)
    return replace(
        before,
        theoretical_arrival_us=max(before.theoretical_arrival_us, resume_us),
        counts=counts,
        generation=before.generation + 1,
        void_from_us=from_us,
        resume_us=resume_us,
    )


def slot_now(rule: Rule, permit: Permit, reservations: Reservations) -> int | None:
    """Return the slot that a permit has under what is reserved now; None where it is void.

    A quota has counted it at the slot that it was reserved for, and allows for a grain of lateness: who was shifted by
    more than that reserves anew.
    """
    by_us = _shift_of(reservations, permit.number) - permit.shifted_us
    if by_us > min((max(0, quota.grain_us - rule.headroom_us) for quota in rule.quotas), default=by_us):
        return None
    slot_us = permit.slot_us + by_us
    held = permit.generation == reservations.generation - 1 and slot_us < reservations.void_from_us
    return slot_us if held or permit.generation == reservations.generation else None


def _shift_of(reservations: Reservations, number: int) -> int:
    return reservations.shifted_us + sum(shift.by_us for shift in reservations.shifts if shift.number <= number)


def _least(rule: Rule, reservations: Reservations, number: int) -> int:
    """Return what the slot of a number to come will be at least, under any headroom and ceiling of the same windows;
    giving permits back does not lower it.
    """
    pace_us = max(_ceil(window.per_us, window.amount) for window in rule.windows)
    known = [
        (reservations.number, reservations.theoretical_arrival_us),
        *((floor.number, floor.slot_us) for floor in reservations.floors),
    ]
    return max(slot_us + (number - from_number) * pace_us for from_number, slot_us in known if from_number <= number)


def _first_free(rule: Rule, counts: Sequence[Mapping[int, int]], slot_us: int) -> int:
    """Move a slot on until no quota is full; each move leaves a grain behind, so it ends."""
    while True:
        moved_us = slot_us
        for quota, held in zip(rule.quotas, counts, strict=True):
            moved_us = max(moved_us, _first_free_of(quota, held, moved_us))
        if moved_us == slot_us:
            return slot_us
        slot_us = moved_us


def _first_free_of(quota: Quota, held: Mapping[int, int], slot_us: int) -> int:
    grain = slot_us // quota.grain_us
    recent = sorted(index for index in held if index > grain - quota.span_count)
    excess = sum(held[index] for index in recent) - quota.amount + 1
    if excess <= 0:
        return slot_us
    for index in recent:  # the oldest grains leave first
        excess -= held[index]
        if excess <= 0:
            return (index + quota.span_count) * quota.grain_us
    raise AssertionError("a quota of zero permits nothing")


def _count(quota: Quota, held: Mapping[int, int], slot_us: int) -> dict[int, int]:
    grain = slot_us // quota.grain_us
    return {**held, grain: held.get(grain, 0) + 1}


def _recent(quota: Quota, held: Mapping[int, int], earliest_us: int) -> dict[int, int]:
    """Forget grains that no window of a later reservation can touch: slots far ahead may be given back, those before
    `earliest_us` may not.
    """
    oldest = earliest_us // quota.grain_us - quota.span_count
    return {index: count for index, count in held.items() if index > oldest and count > 0}


def _moved(quota: Quota, held: Mapping[int, int], from_us: int, to_us: int) -> dict[int, int]:
    origin, target = from_us // quota.grain_us, to_us // quota.grain_us
    moved = {**held, origin: held[origin] - 1} if origin in held else dict(held)
    return moved | {target: moved.get(target, 0) + 1}


def _ceil(dividend: float, divisor: int) -> int:
    return -int(-dividend // divisor)
