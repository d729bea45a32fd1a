"""One budget's permits under contention (hop 4): read, decide in `permits`, write if nobody else has meanwhile.

One read and one conditional write reserve a whole batch. A lost race is repeated after a jittered pause;
attempts are bounded, and running out of them has an error of its own: too many dispatchers share one budget.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from headway_lane.contract.tuning import POLL_HEADROOM_MS, Tuning
from headway_lane.contract.vendor import TURN_PATIENCE_S, Scope, Vendor
from headway_lane.limiter.budget_name import budget_name
from headway_lane.limiter.circuit import LONGEST_OPEN_US, after_failure, after_success
from headway_lane.limiter.reservations import (
    Permit,
    Reservations,
    Rule,
    cancel,
    late,
    no_reservations,
    rebase,
    reserve,
    rule_of,
)
from headway_lane.limiter.share import UNSHARED, Share
from headway_lane.limiter.signals import Reason
from headway_lane.runtime.errors import RetryLater

ATTEMPTS: Final = 12
"""Of c dispatchers at once one succeeds in every round: a dozen lost races want more than a dozen dispatchers."""
LONGEST_BACKOFF_US: Final = 60_000
"""Longest pause after a lost race; below it twice the pause before, with full jitter, so that a crowd spreads out."""
SWITCH_US: Final = 250_000
"""A changed rule spares the permits of the next moments: their callers may have looked at the reservations already."""
LONGEST_OPEN_POLL_US: Final = TURN_PATIENCE_S * 1_000_000
"""Longest period of the polls' circuit: whoever fetches a result waits no longer, and has no queue to go back to."""
PROBE_US: Final = 1_000_000
"""A probe has been answered by then, as a rule."""


class Contended(RetryLater):
    """Too many dispatchers wrote at the same time; nothing was reserved."""


class Entry(NamedTuple):
    """A reserve as stored: its version counts the writes, `rule` is the rule under which it was written."""

    version: int
    rule: Rule
    reservations: Reservations


class ReservationStore(Protocol):
    """Where reservations are kept; `write` is conditional on the version that was read."""

    def read(self, budget: str) -> Entry | None:
        """Return the entry of a budget, read consistently; None before its first use."""
        ...

    def write(self, budget: str, entry: Entry) -> bool:
        """Store an entry if the stored version is the one before it. False where it is not."""
        ...


class Budget:
    """The permits of one vendor and scope, shared by everybody who calls it."""

    def __init__(
        self,
        store: ReservationStore,
        name: str,
        rule: Rule,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None] = lambda _: None,
        longest_open_us: int = LONGEST_OPEN_US,
    ) -> None:
        self._longest_open_us = longest_open_us
        self._failures_seen = False
        self._store = store
        self._name = name
        self._rule = rule
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us

    @property
    def rule(self) -> Rule:
        """Return the rule that this budget is reserved under."""
        return self._rule

    def reserve(
        self, count: int, lead_us: int, horizon_us: int | None = None, share: Share = UNSHARED
    ) -> Sequence[Permit]:
        """Reserve `count` permits, the first at least `lead_us` from now. Raises Contended.

        With a horizon fewer are reserved, or none: those that leave within `horizon_us`, and their neighbours up to a
        quota's pause. Whoever reserves far ahead cannot be told of calls that arrive late. What is not of one's `share`
        comes within the horizon a moment later. While the circuit is open one is reserved, a probe, and its period is
        kept behind it.
        """
        emission_interval_us = self._rule.emission_interval_us

        def decide(before: Reservations) -> tuple[Reservations, tuple[Permit, ...]]:
            now_us = self._epoch_us()
            asked = count if before.circuit.closed else 1
            after, permits = reserve(self._rule, before, now_us + lead_us, asked)
            if horizon_us is not None:
                end_us = now_us + horizon_us - share.defer_us(before.number)
                ends_us = range(end_us, end_us + asked * emission_interval_us, emission_interval_us)
                near = sum(permit.slot_us <= last_us for permit, last_us in zip(permits, ends_us, strict=True))
                if near < asked:
                    after, permits = reserve(self._rule, before, now_us + lead_us, near) if near else (before, ())
            if permits and not before.circuit.closed:
                after = replace(
                    after,
                    theoretical_arrival_us=max(
                        after.theoretical_arrival_us, permits[-1].slot_us + before.circuit.period_us
                    ),
                )
            return after, permits

        return self._change(decide)

    def late(self, permit: Permit, answered_us: int) -> None:
        """Keep the calls of the next window away from one that may have arrived as late as it was answered."""
        self._change(lambda before: (late(self._rule, before, permit, answered_us), ()))

    def cool_down(self, duration_us: int, reason: Reason = Reason.HTTP_429) -> bool:
        """Let nobody call for `duration_us` from now: reserved permits are void, new ones start behind it.

        False where somebody else has cooling down for the same trouble.
        """
        cooled_down = False

        def decide(before: Reservations) -> tuple[Reservations, tuple[Permit, ...]]:
            nonlocal cooled_down
            now_us = self._epoch_us()
            cooled_down = before.cool_down_until_us <= now_us + duration_us // 2
            if not cooled_down:
                return before, ()
            resume_us = max(now_us + duration_us, before.cool_down_until_us)
            after = replace(before, cool_down_until_us=resume_us, cool_down_reason=reason)
            return rebase(self._rule, after, now_us, resume_us), ()

        self._change(decide)
        return cooled_down

    def failed(self, permit: Permit) -> bool:
        """Count a call that the vendor failed. True where that opened the circuit, or opened it anew: reserved permits
        are void then, and the next one is a probe.
        """
        opened = False

        def decide(before: Reservations) -> tuple[Reservations, tuple[Permit, ...]]:
            nonlocal opened
            now_us = self._epoch_us()
            circuit = after_failure(before.circuit, permit.slot_us, now_us, self._longest_open_us)
            opened = circuit.resume_us != before.circuit.resume_us
            after = replace(before, circuit=circuit)
            return (rebase(self._rule, after, now_us, circuit.resume_us) if opened else after), ()

        self._change(decide)
        return opened

    def succeeded(self, permit: Permit) -> None:
        """Forget the failures that the reservations showed when it was last seen here; where it showed none, nothing is
        read or written.

        A circuit that closes gives up the void slots ahead of it, which lie a period apart: reservation begins a window
        from now, as if nobody had called before, but not within a cool-down.
        """
        if not self._failures_seen:
            return

        def decide(before: Reservations) -> tuple[Reservations, tuple[Permit, ...]]:
            circuit = after_success(before.circuit, permit.slot_us)
            after = replace(before, circuit=circuit)
            if before.circuit.closed or not circuit.closed:
                return after, ()
            from_us = self._epoch_us() + SWITCH_US
            resume_us = max(from_us + self._rule.forget_us, before.cool_down_until_us)
            return rebase(self._rule, replace(after, floors=(), theoretical_arrival_us=0), from_us, resume_us), ()

        self._change(decide)

    def cancel(self, permits: Sequence[Permit]) -> None:
        """Free neighbouring permits that nobody will use."""
        if permits:
            self._change(lambda before: (cancel(self._rule, before, permits), ()))

    def first_free_us(self) -> int:
        """Return the first slot that nobody has reserved."""
        return self._first_free().slot_us

    def reservable_us(self, horizon_us: int, share: Share = UNSHARED) -> int:
        """Return when the first free slot comes within the horizon of whoever has this share."""
        permit = self._first_free()
        return permit.slot_us - horizon_us + share.defer_us(permit.number)

    def ask_again_us(self) -> int:
        """Return when whoever cannot wait for a slot does well to come back: at the first free slot, or earlier where a
        probe may have closed the circuit for all by then.
        """
        now_us, free_us, circuit = self._epoch_us(), self.first_free_us(), self.look().circuit
        if circuit.closed:
            return free_us
        told_us = circuit.resume_us + PROBE_US
        return min(free_us, told_us if now_us < told_us else now_us + circuit.period_us)

    def look(self) -> Reservations:
        """Return what is reserved now, to see whether a permit still holds."""
        entry = self._store.read(self._name)
        self._failures_seen = entry is not None and entry.reservations.circuit.failure_count > 0
        return entry.reservations if entry else no_reservations(self._rule)

    def _first_free(self) -> Permit:
        _, [permit] = reserve(self._rule, self._current(self._store.read(self._name)), 0, 1)
        return permit

    def _change(self, decide: Callable[[Reservations], tuple[Reservations, tuple[Permit, ...]]]) -> Sequence[Permit]:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep_us(random.randint(1, min(LONGEST_BACKOFF_US, 1_000 << attempt)))  # noqa: S311 - jitter
            entry = self._store.read(self._name)
            self._failures_seen = entry is not None and entry.reservations.circuit.failure_count > 0
            before = self._current(entry)
            after, permits = decide(before)
            if entry and after == entry.reservations:
                return permits  # nothing to write
            if self._store.write(self._name, Entry(entry.version + 1 if entry else 1, self._rule, after)):
                return permits
        raise Contended(f"the reservations of {self._name} was written by others {ATTEMPTS} times in a row")

    def _current(self, entry: Entry | None) -> Reservations:
        """Return the reservations under today's rule. A changed rule voids what lies ahead; a slower one waits a window
        first, because the calls of the last one went at the old rate.
        """
        if entry is None:
            return no_reservations(self._rule)
        if entry.rule == self._rule:
            return entry.reservations
        known = (
            entry.reservations if _grains(entry.rule) == _grains(self._rule) else replace(entry.reservations, counts=())
        )
        from_us = self._epoch_us() + SWITCH_US
        slower = self._rule.emission_interval_us > entry.rule.emission_interval_us
        wait_us = self._rule.forget_us if slower else entry.rule.emission_interval_us
        return rebase(self._rule, known, from_us, from_us + wait_us)


def _grains(rule: Rule) -> list[int]:
    return [quota.grain_us for quota in rule.quotas]


def budget_of(
    store: ReservationStore,
    vendor: Vendor,
    scope: Scope,
    tuning: Tuning,
    epoch_us: Callable[[], int],
    sleep_us: Callable[[int], None],
) -> Budget | None:
    """Return the budget of a vendor's scope, `replicate#submit`; None where no limit counts its calls.

    The operator's ceiling is on submits: polls follow from them. Where a limit counts both, they share one budget,
    `replicate#calls`, under all limits of the vendor at once and the ceiling: reservations, one rule.
    """
    reserved = vendor.budget_scope(scope)
    limits = vendor.limits_of(reserved)
    if not limits:
        return None
    ceiling_per_s, headroom_ms, longest_open_us = tuning.rate_per_s, tuning.headroom_ms, LONGEST_OPEN_US
    if reserved is Scope.POLL:
        ceiling_per_s, headroom_ms = math.inf, max(headroom_ms, POLL_HEADROOM_MS)
        longest_open_us = LONGEST_OPEN_POLL_US
    rule = rule_of(limits, headroom_ms * 1_000, ceiling_per_s, tuning.skew_ms * 1_000)
    return Budget(store, budget_name(vendor.name, reserved), rule, epoch_us, sleep_us, longest_open_us)
