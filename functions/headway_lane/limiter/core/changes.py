"""The changes of one budget's reservations (hop 4): each one read, one decision in `reservations`, one write.

A lost race is repeated after a jittered pause; attempts are bounded, and running out of them has an error of its own:
too many dispatchers share one budget.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from headway_lane.limiter.core.circuit import after_failure, after_success
from headway_lane.limiter.core.reservations import (
    Permit,
    Reservations,
    Rule,
    cancel,
    first_free,
    late,
    no_reservations,
    rebase,
    reserve,
)
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.core.signals import Reason
from headway_lane.limiter.core.steps import LOST, UNREAD, Change, Entry, Mark, Sleep, Steps
from headway_lane.runtime.errors import RetryLater

RACE_ATTEMPTS: Final = 12
"""Of c writers at once one succeeds in every round: a dozen lost races want more than a dozen writers."""
LONGEST_BACKOFF_US: Final = 60_000
"""Longest pause after a lost race; below it twice the pause before, with full jitter, so that a crowd spreads out."""
SWITCH_US: Final = 250_000
"""A changed rule spares the permits of the next moments: their callers may have looked already."""
PROBE_US: Final = 1_000_000
"""A probe has been answered by then, as a rule."""


class Contended(RetryLater):
    """Too many wrote at the same time; nothing was changed."""


Decided = tuple[Reservations, Any]
"""The reservations after a change, and what comes of it."""


class Changes:
    """What may happen to the reservations under one rule, on one clock; `uniform` draws from [0, 1)."""

    __slots__ = ("_failures_seen", "_uniform", "epoch_us", "name", "rule")

    def __init__(
        self,
        name: str,
        rule: Rule,
        epoch_us: Callable[[], int],
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.rule = rule
        self.epoch_us = epoch_us
        self._uniform = uniform
        self._failures_seen = False

    # What is stored, and what it says.

    def see(self, entry: Entry | None) -> Reservations:
        """Return what is reserved, to see whether a permit still holds."""
        self._failures_seen = entry is not None and entry.reservations.circuit.failure_count > 0
        return entry.reservations if entry else no_reservations(self.rule)

    def first_free(self, entry: Entry | None) -> Permit:
        """Return the permit of the first slot that nobody has reserved."""
        return first_free(self.rule, self._current(entry, self.epoch_us()))

    def reservable_us(self, entry: Entry | None, horizon_us: int, share: Share = UNSHARED) -> int:
        """Return when the first free slot comes within the horizon of whoever has this share."""
        permit = self.first_free(entry)
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

    def reserve(self, count: int, lead_us: int, horizon_us: int | None = None) -> Steps[Sequence[Permit]]:
        """Reserve `count` permits, as `reserving` says. Raises Contended."""
        return self._until_written(self.reserving(count, lead_us, horizon_us))

    def reserving(
        self,
        count: int,
        lead_us: int,
        horizon_us: int | None = None,
        share: Share = UNSHARED,
        seen: Entry | Mark | None = UNREAD,
    ) -> Change:
        """Return the change that reserves `count` permits, the first at least `lead_us` from now. Its answer: Permits.

        With a horizon fewer are reserved, or none: those that leave within `horizon_us`, and their neighbours up to a
        quota's pause. Whoever reserves far ahead cannot be told of calls that arrive late. What is not of one's `share`
        comes within the horizon a moment later. While the circuit is open one is reserved, a probe, and its period is
        kept behind it.
        """
        interval_us = self.rule.emission_interval_us

        def decide(before: Reservations, now_us: int) -> Decided:
            asked = count if before.circuit.closed else 1
            after, permits = reserve(self.rule, before, now_us + lead_us, asked)
            if horizon_us is not None:
                end_us = now_us + horizon_us - share.defer_us(before.number)
                ends_us = range(end_us, end_us + asked * interval_us, interval_us)
                near = sum(permit.slot_us <= last_us for permit, last_us in zip(permits, ends_us, strict=True))
                if near < asked:
                    after, permits = reserve(self.rule, before, now_us + lead_us, near) if near else (before, ())
            if permits and not before.circuit.closed:
                behind_us = permits[-1].slot_us + before.circuit.period_us
                after = replace(after, theoretical_arrival_us=max(after.theoretical_arrival_us, behind_us))
            return after, permits

        return self._change(decide, seen)

    def late(self, permit: Permit, answered_us: int) -> Steps[None]:
        """Keep the calls of the next window away from one that may have arrived as late as it was answered."""
        return self._until_written(self._change(lambda before, _: (late(self.rule, before, permit, answered_us), None)))

    def cool_down(self, duration_us: int, reason: Reason = Reason.HTTP_429) -> Steps[bool]:
        """Let nobody call for `duration_us` from now: reserved permits are void, new ones start behind it.

        False where somebody else has asked for it because of the same trouble.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            if before.cool_down_until_us > now_us + duration_us // 2:
                return before, False
            resume_us = max(now_us + duration_us, before.cool_down_until_us)
            after = replace(before, cool_down_until_us=resume_us, cool_down_reason=reason)
            return rebase(self.rule, after, now_us, resume_us), True

        return self._until_written(self._change(decide))

    def failed(self, permit: Permit) -> Steps[bool]:
        """Count a call that the vendor failed. True where that opened the circuit, or opened it anew: reserved permits
        are void then, and the next one is a probe.
        """

        def decide(before: Reservations, now_us: int) -> Decided:
            circuit = after_failure(before.circuit, permit.slot_us, now_us)
            opened = circuit.resume_us != before.circuit.resume_us
            after = replace(before, circuit=circuit)
            return (rebase(self.rule, after, now_us, circuit.resume_us) if opened else after), opened

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
            return rebase(self.rule, anew, from_us, resume_us), None

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
            return Entry(entry.version + 1 if entry else 1, self.rule, after), result

        return Change(on_entry, seen)

    def _current(self, entry: Entry | None, now_us: int) -> Reservations:
        """Return the reservations under today's rule. A changed rule voids what lies ahead; a slower one waits a window
        first, because the calls of the last one went at the old rate.
        """
        if entry is None:
            return no_reservations(self.rule)
        if entry.rule == self.rule:
            return entry.reservations
        same = _grains(entry.rule) == _grains(self.rule)
        known = entry.reservations if same else replace(entry.reservations, counts=())
        from_us = now_us + SWITCH_US
        slower = self.rule.emission_interval_us > entry.rule.emission_interval_us
        wait_us = self.rule.forget_us if slower else entry.rule.emission_interval_us
        return rebase(self.rule, known, from_us, from_us + wait_us)


def _grains(rule: Rule) -> list[int]:
    return [quota.grain_us for quota in rule.quotas]
