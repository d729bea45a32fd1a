"""Permits (hop 4): when the next calls may reach the vendor, so that no window breaks the contract. Arithmetic.

A permit is a slot: the microsecond at which its call leaves. Its call arrives at the vendor's door later, but within
`headroom` (jitter and clock skew together): in [slot, slot + headroom). Three rules follow, integers only:

* Short windows (W below LONG_WINDOW_S) by even spacing: N calls per W, one every `ceil((W + headroom) / N)`. Of N + 1
  slots in a row the last is W + headroom after the first at least, so their arrivals never share a half-open window W.
* Long windows by a quota: permits are counted in grains of W / GRAINS. Arrivals in a window W have slots in an interval
  of W + headroom, which touches `ceil((W + headroom) / grain) + 1` grains at most: those together may hold N.
* A call that broke the headroom keeps the call N numbers behind it back: it had arrived by `arrived_us`, as its answer
  shows (`measured`), and the N-th after it may leave at `arrived_us + W`. Where that one is not reserved yet it gets a
  floor; where it is, it and all behind it shift by what is missing. An answer within the headroom proves that nothing
  is missing, so for a vendor that answers promptly the bound rests on no guess about jitter.

The price: N per W + headroom for spacing, and two grains more for quotas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from headway_lane.limiter.core.circuit import CLOSED, Circuit
from headway_lane.limiter.core.measured import UNMEASURED, Measured
from headway_lane.limiter.core.on_way import NOBODY, OnWay
from headway_lane.limiter.core.rule import Quota, Rule, ceil_div
from headway_lane.limiter.core.signals import Reason

DAY_US: Final = 86_400_000_000
INTERVALS_LIMIT: Final = 16
"""So many changes of the interval are told apart among permits in use; of more the shorter one holds."""
OUTSTANDING_US: Final = 30_000_000
"""A shift is known to all permits in use when so much of the reservations lies behind it: nobody waits as long."""


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
class Interval:
    """Permits from `number` on are followed by the next one `us` later, at least."""

    number: int
    us: int


@dataclass(frozen=True, slots=True)
class Reservations:
    """What is reserved of one budget: the first free slot and its number, floors under numbers to come, and for each
    quota the permits per grain (index -> count).

    `intervals` are those between permits in use, which change with the headroom: each holds up to the next number.
    `shifts` are those that a permit in use may not know of yet; `shifted_us` is the sum of the older ones, which hold
    for every number.

    A cool-down or a stricter rule starts a new generation, which begins at `resume_us`; permits of the one before hold
    below `void_from_us` only. The vendor's last cool-down and the circuit say why, and outlive what changes them.

    `unsaid_us` is how long the last cool-down was to be, 0 where the vendor set its time, and `unsaid_number` the first
    permit behind it. `day_count` permits were given on the `day` (epoch days, UTC) of the last one.
    """

    theoretical_arrival_us: int
    number: int
    counts: tuple[Mapping[int, int], ...]
    floors: tuple[Floor, ...] = ()
    generation: int = 0
    void_from_us: int = 0
    resume_us: int = 0
    intervals: tuple[Interval, ...] = ()
    shifts: tuple[Shift, ...] = ()
    shifted_us: int = 0
    cool_down_until_us: int = 0
    cool_down_reason: Reason | None = None
    unsaid_us: int = 0
    unsaid_number: int = 0
    circuit: Circuit = CLOSED
    day: int = 0
    day_count: int = 0
    measured: Measured = UNMEASURED
    on_way: OnWay = NOBODY


def no_reservations(rule: Rule) -> Reservations:
    """Return the reservations of a budget that nobody has used."""
    return Reservations(theoretical_arrival_us=0, number=0, counts=tuple({} for _ in rule.quotas))


def reserve(
    rule: Rule, before: Reservations, earliest_us: int, count: int, *, again: bool = False
) -> tuple[Reservations, tuple[Permit, ...]]:
    """Reserve `count` permits from `earliest_us` on; returns the new reserve and the permits, ascending.

    Slots never go back: a caller whose clock is behind gets what is free after everybody else's. `again` says that they
    stand for permits that were not used: the cap of a day has counted those calls already.
    """
    theoretical_arrival_us, counts = max(before.theoretical_arrival_us, earliest_us), before.counts
    day, day_count = before.day, before.day_count
    permits = []
    for number in range(before.number, before.number + count):
        floor_us = max((floor.slot_us for floor in before.floors if floor.number <= number), default=0)
        free_us = max(theoretical_arrival_us, floor_us)
        slot_us = _first_free(rule, counts, free_us if again else _within_cap(rule, day, day_count, free_us))
        day, day_count = _counted(day, day_count, slot_us, not again)
        counts = tuple(_count(quota, held, slot_us) for quota, held in zip(rule.quotas, counts, strict=True))
        permits.append(Permit(slot_us, number, before.generation, _shift_of(before, number)))
        theoretical_arrival_us = slot_us + rule.emission_interval_us
    counts = tuple(_recent(quota, held, earliest_us) for quota, held in zip(rule.quotas, counts, strict=True))
    number = before.number + count
    floors = tuple(floor for floor in before.floors if floor.number >= number)
    known = number - ceil_div(OUTSTANDING_US, rule.emission_interval_us)
    after = replace(
        before,
        theoretical_arrival_us=theoretical_arrival_us,
        number=number,
        counts=counts,
        floors=floors,
        day=day,
        day_count=day_count,
        intervals=_spaced(before, known, rule.emission_interval_us),
        shifts=tuple(shift for shift in before.shifts if shift.number > known),
        shifted_us=before.shifted_us + sum(shift.by_us for shift in before.shifts if shift.number <= known),
    )
    return after, tuple(permits)


def first_free(rule: Rule, before: Reservations) -> Permit:
    """Return the permit that would be reserved next, at any time."""
    number = before.number
    floor_us = max((floor.slot_us for floor in before.floors if floor.number <= number), default=0)
    free_us = _within_cap(rule, before.day, before.day_count, max(before.theoretical_arrival_us, floor_us))
    slot_us = _first_free(rule, before.counts, free_us)
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
        intervals=tuple(interval for interval in before.intervals if interval.number < permits[0].number),
        day_count=before.day_count - sum(slot_us // DAY_US == before.day for slot_us in slots_us),
        floors=(*kept_back, *before.floors),
        shifts=tuple(shift for shift in before.shifts if shift.number <= permits[0].number),
    )


def late(rule: Rule, before: Reservations, permit: Permit, arrived_us: int) -> Reservations:
    """Keep the calls behind one back that may have arrived as late as `arrived_us`, after its headroom.

    A successor that lies far enough behind anyhow, because others were later, needs no floor of its own. Where it is
    reserved already, it shifts with all behind it, by what its slot lacks at most: slots are
    an interval apart at least, and further by every shift between. Quotas count the call where it arrived: whoever is
    reserved from now on shares a window with that grain, or with none of its own.
    """
    counts = tuple(
        _moved(quota, held, permit.slot_us, arrived_us) for quota, held in zip(rule.quotas, before.counts, strict=True)
    )
    after = replace(before, counts=counts)
    for window in rule.spaced:
        successor, from_us = permit.number + window.amount, arrived_us + rule.skew_us + window.per_us
        if successor >= before.number:
            if _least(rule, after, successor) < from_us:
                after = replace(after, floors=(*after.floors, Floor(successor, from_us)))
            continue
        least_us = (
            permit.slot_us
            - permit.shifted_us
            + _distance_us(rule, before, permit.number, successor)
            + _shift_of(after, successor)
        )
        if least_us < from_us:
            by_us = from_us - least_us
            shifts = (*after.shifts, Shift(successor, by_us))
            after = replace(after, shifts=shifts, theoretical_arrival_us=after.theoretical_arrival_us + by_us)
    return after


def rebase(before: Reservations, from_us: int, resume_us: int) -> Reservations:
    """Void all permits from `from_us` on and reserve anew from `resume_us`: after a cool-down, or under a changed rule.

    Slots never go back, and void permits stay in the quotas: some of them are used by callers that have looked at the
    reserve already.
    """
    return replace(
        before,
        theoretical_arrival_us=max(before.theoretical_arrival_us, resume_us),
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
    pace_us = max(ceil_div(window.per_us, window.amount) for window in rule.windows)
    known = [
        (reservations.number, reservations.theoretical_arrival_us),
        *((floor.number, floor.slot_us) for floor in reservations.floors),
    ]
    return max(slot_us + (number - from_number) * pace_us for from_number, slot_us in known if from_number <= number)


def _spaced(before: Reservations, known: int, interval_us: int) -> tuple[Interval, ...]:
    """Return the intervals with the one of the permits to come; those before the number `known` are not needed."""
    intervals = before.intervals
    if not intervals or intervals[-1].us != interval_us:
        intervals = (*intervals, Interval(before.number, interval_us))
    while len(intervals) > 1 and intervals[1].number <= known:
        intervals = intervals[1:]
    if len(intervals) > INTERVALS_LIMIT:
        first, second, *others = intervals
        intervals = (Interval(first.number, min(first.us, second.us)), *others)
    return intervals


def _distance_us(rule: Rule, reservations: Reservations, first: int, last: int) -> int:
    """Return how far two permits lie apart at least, by the intervals under which they were reserved."""
    distance_us, until = 0, last
    for interval in reversed(reservations.intervals):
        since = max(first, interval.number)
        if since < until:
            distance_us, until = distance_us + (until - since) * interval.us, since
    least_us = min((interval.us for interval in reservations.intervals), default=rule.emission_interval_us)
    return distance_us + (until - first) * least_us


def _within_cap(rule: Rule, day: int, day_count: int, slot_us: int) -> int:
    """Move a slot to the next day where the cap of its own is reached."""
    reached = rule.day_amount is not None and slot_us // DAY_US <= day and day_count >= rule.day_amount
    return (day + 1) * DAY_US if reached else slot_us


def _counted(day: int, day_count: int, slot_us: int, counts: bool) -> tuple[int, int]:
    slot_day = slot_us // DAY_US
    return slot_day, counts + (day_count if slot_day == day else 0)


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
