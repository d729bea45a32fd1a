"""The changes of one budget's reservations (hop 4): each one read, one decision in `reservations`, one write.

A lost race is repeated after a jittered pause; attempts are bounded, and running out of them has an error of its own:
too many dispatchers share one budget.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from headway_lane.limiter.core.circuit import after_failure, after_success
from headway_lane.limiter.core.measured import UNMEASURED, Measured, Sample
from headway_lane.limiter.core.reservations import (
    DAY_US,
    Permit,
    Reservations,
    cancel,
    first_free,
    late,
    no_reservations,
    rebase,
    reserve,
)
from headway_lane.limiter.core.rule import Rule, carried, stricter, strictest
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import LOST, UNREAD, Change, Entry, Mark, Sleep, StandingRule, Steps
from headway_lane.runtime.errors import RetryLater

RACE_ATTEMPTS: Final = 12
"""Of c writers at once one succeeds in every round: a dozen lost races want more than a dozen writers."""
LONGEST_BACKOFF_US: Final = 60_000
"""Longest pause after a lost race; below it twice the pause before, with full jitter, so that a crowd spreads out."""
SWITCH_US: Final = 250_000
"""A stricter rule spares the permits of the next moments: their callers may have looked already."""
STANDING_US: Final = 15_000_000
"""So long a rule stands for which nobody asks any more: three times as long as a function keeps what AppConfig said
(`contract.profile.TUNING_MAX_AGE_S`).
"""
STARTED_AHEAD_US: Final = 1_000_000
"""So much of a budget's time may be on its way, with what is reserved: longer than a call takes to come to its slot."""
PROBE_US: Final = 1_000_000
"""A probe has been answered by then, as a rule."""


class Contended(RetryLater):
    """Too many wrote at the same time; nothing was changed."""


class Late(NamedTuple):
    """A call whose answer came late: its permit, the slot at which it left, and when the answer was there."""

    permit: Permit
    left_us: int
    answered_us: int


Decided = tuple[Reservations, Any]
"""The reservations after a change, and what comes of it."""


class Changes:
    """What may happen to the reservations, on one clock, where a configuration asks for the rule `asked`.

    `answers_prove_arrival` says whether an answer proves that its call had arrived by then; None leaves that to what is
    measured. `uniform` draws from [0, 1). `rule` is the rule in force, as it was last seen: one's own, and all others
    that stand.
    """

    __slots__ = ("_asked", "_failures_seen", "_measured", "_proves", "_seen", "_uniform", "epoch_us", "name", "rule")

    def __init__(
        self,
        name: str,
        asked: Rule,
        epoch_us: Callable[[], int],
        uniform: Callable[[], float] = random.random,
        answers_prove_arrival: bool | None = None,
    ) -> None:
        self.name = name
        self.rule = asked
        self.epoch_us = epoch_us
        self._asked = asked
        self._uniform = uniform
        self._proves = answers_prove_arrival
        self._measured = UNMEASURED
        self._failures_seen = False
        self._seen = False

    # What is stored, and what it says.

    def see(self, entry: Entry | None) -> Reservations:
        """Return what is reserved, to see whether a permit still holds."""
        self._seen = True
        if entry is None:
            self.rule = self._asked.with_headroom(UNMEASURED.headroom_us)
            return no_reservations(self.rule)
        self._failures_seen = entry.reservations.circuit.failure_count > 0
        self._measured = entry.reservations.measured
        self.rule = self._in_force(entry, self.epoch_us())
        return entry.reservations

    def lateness_us(self, slot_us: int, answered_us: int) -> int:
        """Return by how much a call may have arrived after its slot, as its answer shows, by what was last seen; 0
        where answers prove nothing.
        """
        return self._lateness_us(self._measured, slot_us, answered_us)

    def idle(self, entry: Entry | None, now_us: int) -> bool:
        """Return whether nothing is reserved ahead, and nothing keeps anybody back."""
        return entry is None or (entry.reservations.circuit.closed and self.first_free(entry).slot_us <= now_us)

    def alone(self, entry: Entry | None, now_us: int) -> bool:
        """Return whether no call is on its way to reserve for itself: one more needs nobody's leave."""
        return entry is None or entry.reservations.on_way.left(now_us) == 0

    def sparse(self, entry: Entry | None, now_us: int) -> bool:
        """Return whether few permits are given: calls are few, or more than the machine can do."""
        return entry is None or entry.reservations.on_way.sparse(now_us, self.rule.emission_interval_us)

    @property
    def learning(self) -> bool:
        """Whether too little was measured, when last seen, for the headroom that is to be learned."""
        return self._seen and self._asked.headroom_us < self._asked.headroom_limit_us and self._measured.too_few

    def capped(self, entry: Entry | None) -> bool:
        """Return whether the cap of a day keeps everybody waiting."""
        return entry is not None and self.first_free(entry).slot_us // DAY_US > entry.reservations.day >= (
            self.epoch_us() // DAY_US
        )

    def first_free(self, entry: Entry | None) -> Permit:
        """Return the permit of the first slot that nobody has reserved."""
        self.see(entry)
        return first_free(self.rule, self._current(entry, self.epoch_us()))

    def reservable_us(self, entry: Entry | None, horizon_us: int, share: Share = UNSHARED) -> int:
        """Return when the first free slot comes within the horizon of whoever has this share: now, where the rule in
        force is stricter than what is written, whose slots move on with the clock until somebody writes it down.
        """
        permit = self.first_free(entry)
        if entry and stricter(self.rule, entry.rule):
            return self.epoch_us()
        return permit.slot_us - horizon_us + share.defer_us(permit.number)

    def ask_again_us(self, entry: Entry | None) -> int:
        """Return when whoever cannot wait for a slot does well to come back: at the first free slot, or earlier where a
        probe may have closed the circuit for all by then.
        """
        now_us, free_us, circuit = self.epoch_us(), self.first_free(entry).slot_us, self.see(entry).circuit
        if circuit.closed:
            return free_us
        told_us = circuit.resume_us + PROBE_US
        return min(free_us, told_us if now_us < told_us else now_us + circuit.period_us)

    # Changes.

    def reserve(
        self,
        count: int,
        lead_us: int,
        horizon_us: int | None = None,
        *,
        again: bool = False,
        came: bool = False,
    ) -> Steps[Sequence[Permit]]:
        """Reserve `count` permits, as `reserving` says. Raises Contended."""
        return self._until_written(self.reserving(count, lead_us, horizon_us, again=again, came=came))

    def reserving(
        self,
        count: int,
        lead_us: int,
        horizon_us: int | None = None,
        share: Share = UNSHARED,
        seen: Entry | Mark | None = UNREAD,
        *,
        again: bool = False,
        came: bool = False,
    ) -> Change:
        """Return the change that reserves `count` permits, the first at least `lead_us` from now. Its answer: Permits.

        With a horizon fewer are reserved, or none: those that leave within `horizon_us`, and their neighbours up to a
        quota's pause. Whoever reserves far ahead cannot be told of calls that arrive late. What is not of one's `share`
        comes within the horizon a moment later. While the circuit is open one is reserved, a probe, and its period is
        kept behind it. `again` says that they stand for permits that were not used, `came` that a call reserves for
        itself which was started without one.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            interval_us = self.rule.emission_interval_us
            asked = count if before.circuit.closed else 1
            after, permits = reserve(self.rule, before, now_us + lead_us, asked, again=again)
            if horizon_us is not None:
                end_us = now_us + horizon_us - share.defer_us(before.number)
                ends_us = range(end_us, end_us + asked * interval_us, interval_us)
                near = sum(permit.slot_us <= last_us for permit, last_us in zip(permits, ends_us, strict=True))
                if near < asked:
                    before_us = now_us + lead_us
                    after, permits = reserve(self.rule, before, before_us, near, again=again) if near else (before, ())
            if permits:
                after = replace(after, on_way=before.on_way.given(len(permits), now_us, came=came))
            if permits and not before.circuit.closed:
                behind_us = permits[-1].slot_us + before.circuit.period_us
                after = replace(after, theoretical_arrival_us=max(after.theoretical_arrival_us, behind_us))
            return after, permits

        return self._change(decide, seen)

    def starting(self, count: int, seen: Entry | Mark | None = UNREAD) -> Change:
        """Return the change that counts calls which are started without a permit. Its answer: how many of `count` may
        be, as far as those come to reserve that were started before, and as there are slots soon for all of them.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            ahead_us = max(0, first_free(self.rule, before).slot_us - now_us)
            covered_count = max(0, STARTED_AHEAD_US - ahead_us) // self.rule.emission_interval_us
            granted = min(count, before.on_way.room(now_us, 1 + covered_count))
            return (replace(before, on_way=before.on_way.started(granted, now_us)) if granted else before), granted

        return self._change(decide, seen)

    def answered(self, late_ones: Sequence[Late], samples: Sequence[Sample] = ()) -> Steps[None]:
        """Keep the next window's calls away from those that may have arrived late, and remember what was measured."""

        def decide(before: Reservations, _: int) -> Decided:
            after = replace(before, measured=before.measured.adding(samples))
            for each in late_ones:
                late_us = self._lateness_us(after.measured, each.left_us, each.answered_us)
                if self.rule.is_late(late_us):
                    after = late(self.rule, after, each.permit, each.left_us + late_us)
            return after, None

        return self._until_written(self._change(decide))

    def cool_down(self, duration_us: int, reason: Reason = Reason.HTTP_429) -> Steps[bool]:
        """Let nobody call for `duration_us` from now: reserved permits are void, new ones start behind it.

        False where somebody else has asked for it because of the same trouble.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            if before.cool_down_until_us > now_us + duration_us // 2:
                return before, False
            resume_us = max(now_us + duration_us, before.cool_down_until_us)
            after = replace(before, cool_down_until_us=resume_us, cool_down_reason=reason)
            return rebase(after, now_us, resume_us), True

        return self._until_written(self._change(decide))

    def failed(self, permit: Permit, call: str) -> Steps[bool]:
        """Count a call that the vendor failed, by what tells it from others. True where that opened the circuit, or
        opened it anew: reserved permits are void then, and the next one is a probe.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            circuit = after_failure(before.circuit, call, permit.slot_us, now_us)
            opened = circuit.resume_us != before.circuit.resume_us
            after = replace(before, circuit=circuit)
            return (rebase(after, now_us, circuit.resume_us) if opened else after), opened

        return self._until_written(self._change(decide))

    def succeeded(self, permit: Permit) -> Steps[None]:
        """Forget the failures that were there at the last look; where there were none, nothing is read or written.

        A circuit that closes gives up the void slots ahead of it, which lie a period apart: reserving begins a window
        from now, as if nobody had called before, but not within a cool-down.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            circuit = after_success(before.circuit, permit.slot_us)
            after = replace(before, circuit=circuit)
            if before.circuit.closed or not circuit.closed:
                return after, None
            from_us = now_us + SWITCH_US
            resume_us = max(from_us + self.rule.forget_us, before.cool_down_until_us)
            anew = replace(after, floors=(), theoretical_arrival_us=0)
            return rebase(anew, from_us, resume_us), None

        if self._failures_seen:
            yield from self._until_written(self._change(decide))

    def cancel(self, permits: Sequence[Permit]) -> Steps[None]:
        """Free neighbouring permits that nobody will use."""
        if permits:
            change = self._change(lambda before, _: (cancel(self.rule, before, permits), None))
            yield from self._until_written(change)

    # Races.

    def backoff(self, lost_count: int) -> Sleep:
        """Return the pause after so many lost races in a row. Raises Contended where they were too many."""
        if lost_count == RACE_ATTEMPTS:
            raise Contended(f"the reservations of {self.name} were written by others {RACE_ATTEMPTS} times in a row")
        longest_us = min(LONGEST_BACKOFF_US, 1_000 << lost_count)
        return Sleep(self.epoch_us() + 1 + int(self._uniform() * longest_us))

    def _until_written(self, change: Change) -> Steps[Any]:
        lost_count = 0
        while (result := (yield change)) is LOST:
            lost_count += 1
            yield self.backoff(lost_count)
        return result

    def _change(self, decide: Callable[[Reservations, int], Decided], seen: Entry | Mark | None = UNREAD) -> Change:
        def on_entry(entry: Entry | None, now_us: int) -> tuple[Entry | None, Any]:
            self.see(entry)
            after, result = decide(self._current(entry, now_us), now_us)
            if entry and after == entry.reservations:
                return None, result  # nothing to write
            standing = [other for other in _standing(entry, now_us) if other.rule != self._asked]
            standing.append(StandingRule(self._asked, now_us + STANDING_US))
            return Entry(entry.version + 1 if entry else 1, self.rule, after, tuple(standing)), result

        return Change(on_entry, seen)

    def _in_force(self, entry: Entry, now_us: int) -> Rule:
        """Return the rule that keeps one's own and all others that stand, under the headroom that was measured."""
        rule = strictest([self._asked, *(other.rule for other in _standing(entry, now_us))])
        return rule.with_headroom(entry.reservations.measured.headroom_us)

    def _current(self, entry: Entry | None, now_us: int) -> Reservations:
        """Return the reservations under the rule in force, as just seen. One whose limits are stricter voids what lies
        ahead, and waits a window first, because the calls of the last one went at the old rate.
        """
        if entry is None:
            return no_reservations(self.rule)
        rule, known = self.rule, entry.reservations
        if rule == entry.rule:
            return known
        from_us = now_us + SWITCH_US
        known = replace(known, counts=carried(entry.rule, rule, known.counts, from_us))
        return rebase(known, from_us, from_us + rule.forget_us) if stricter(rule, entry.rule) else known

    def _lateness_us(self, measured: Measured, slot_us: int, answered_us: int) -> int:
        if self._proves is False or (self._proves is None and not measured.tells):
            return 0
        return answered_us - slot_us - (0 if self._proves else measured.least_answer_us)


def _standing(entry: Entry | None, now_us: int) -> Sequence[StandingRule]:
    return [other for other in entry.standing if other.until_us > now_us] if entry else ()
