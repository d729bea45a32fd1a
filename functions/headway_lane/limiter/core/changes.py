"""The changes of one budget's reservations (hop 4): each one read, one decision in `reservations`, one write.

A lost race is repeated after a jittered pause; attempts are bounded, and running out of them has an error of its own:
too many dispatchers share one budget.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from headway_lane.limiter.core.announcing import counts_under, is_news, lower_of, standing_with
from headway_lane.limiter.core.circuit import after_failure, after_success
from headway_lane.limiter.core.measured import Sample
from headway_lane.limiter.core.reservations import (
    Permit,
    Reservations,
    cancel,
    first_free,
    late,
    rebase,
    reserve,
)
from headway_lane.limiter.core.rule import Rule, stricter
from headway_lane.limiter.core.seen import SWITCH_US, LastSight, standing_of
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.core.signals import UNSAID, Announced, Reason
from headway_lane.limiter.core.steps import LOST, UNREAD, Change, Entry, Mark, Sleep, StandingRule, Steps
from headway_lane.limiter.core.unsaid import unsaid
from headway_lane.runtime.errors import RetryLater

RACE_ATTEMPTS: Final = 12
"""Of c writers at once one succeeds in every round: a dozen lost races want more than a dozen writers."""
LONGEST_BACKOFF_US: Final = 60_000
"""Longest pause after a lost race; below it twice the pause before, with full jitter, so that a crowd spreads out."""
STANDING_US: Final = 15_000_000
"""So long a rule stands for which nobody asks any more: three times as long as a function keeps what AppConfig said
(`contract.profile.TUNING_MAX_AGE_S`).
"""
STARTED_AHEAD_US: Final = 1_000_000
"""So much of a budget's time may be on its way, with what is reserved: longer than a call takes to come to its slot."""


class Contended(RetryLater):
    """Too many wrote at the same time; nothing was changed."""


class Late(NamedTuple):
    """A call whose answer came late: its permit, the slot at which it left, and when the answer was there."""

    permit: Permit
    left_us: int
    answered_us: int


Decided = tuple[Reservations, Any]
"""The reservations after a change, and what comes of it."""


class Changes(LastSight):
    """What may happen to the reservations, on one clock, where a configuration asks for the rule `asked` (see
    `LastSight`). `uniform` draws from [0, 1).
    """

    __slots__ = ("_uniform", "name")

    def __init__(
        self,
        name: str,
        asked: Rule,
        epoch_us: Callable[[], int],
        uniform: Callable[[], float] = random.random,
        answers_prove_arrival: bool | None = None,
    ) -> None:
        super().__init__(asked, epoch_us, answers_prove_arrival)
        self.name = name
        self._uniform = uniform

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

    def cool_down(self, duration_us: int, reason: Reason = Reason.HTTP_429, number: int | None = None) -> Steps[bool]:
        """Let nobody call for `duration_us` from now: reserved permits are void, new ones start behind it. Where the
        vendor has set no time, and has refused one of the first calls behind such a cool-down (`number` is its permit),
        it is twice as long as that one was.

        False where somebody else has asked for it because of the same trouble.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            if before.cool_down_until_us > now_us + duration_us // 2:
                return before, False
            lasts_us, after = duration_us, replace(before, unsaid_us=0)
            if reason in UNSAID:
                lasts_us, after = unsaid(before, duration_us, number)
            resume_us = max(now_us + lasts_us, before.cool_down_until_us)
            after = replace(after, cool_down_until_us=resume_us, cool_down_reason=reason)
            return rebase(after, now_us, resume_us), True

        return self._until_written(self._change(decide))

    def announced(self, told: Sequence[Announced]) -> Steps[None]:
        """Let limits that the vendor says it has stand beside the rules that are asked for, where these could break
        them. Nothing is read or written where they stand already, as last seen.
        """
        lower = lower_of(told, self._asked)

        def on_entry(entry: Entry | None, now_us: int) -> tuple[Entry | None, Any]:
            self.see(entry)
            if not is_news(lower, self._told, now_us):
                return None, None
            before, known = self._current(entry, now_us), self.rule
            standing = standing_with(lower, standing_of(entry, now_us), self._asked, now_us)
            self.rule = self._strictest(standing, before)
            after = replace(before, counts=counts_under(before, known, self.rule, lower, now_us))
            if stricter(replace(self.rule, quotas=()), known):
                after = rebase(after, now_us + SWITCH_US, now_us + SWITCH_US + self.rule.forget_us)
            return self._entry(entry, after, standing, now_us), None

        if lower and is_news(lower, self._told, self.epoch_us()):
            yield from self._until_written(Change(on_entry))

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
            return self._entry(entry, after, standing_of(entry, now_us), now_us), result

        return Change(on_entry, seen)

    def _entry(self, entry: Entry | None, after: Reservations, standing: Sequence[StandingRule], now_us: int) -> Entry:
        """Return what is written: one's own rule stands anew, behind the others."""
        others = [other for other in standing if other.rule != self._asked]
        own = StandingRule(self._asked, now_us + STANDING_US)
        return Entry(entry.version + 1 if entry else 1, self.rule, after, (*others, own))
