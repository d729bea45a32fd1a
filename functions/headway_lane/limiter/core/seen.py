"""What is stored of one budget, and what it says to whoever asks for a rule (hop 4): the reservations and the rule in
force, as last seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from headway_lane.limiter.core.measured import UNMEASURED, Measured
from headway_lane.limiter.core.reservations import DAY_US, Permit, Reservations, first_free, no_reservations, rebase
from headway_lane.limiter.core.rule import Rule, carried, stricter, strictest
from headway_lane.limiter.core.share import UNSHARED, Share
from headway_lane.limiter.core.steps import Entry, StandingRule

SWITCH_US: Final = 250_000
"""A stricter rule spares the permits of the next moments: their callers may have looked already."""
PROBE_US: Final = 1_000_000
"""A probe has been answered by then, as a rule."""


class LastSight:
    """What is stored, on one clock, as it was last seen by somebody whose configuration asks for the rule `asked`.

    `answers_prove_arrival` says whether an answer proves that its call had arrived by then; None leaves that to what is
    measured. `rule` is the rule in force: one's own, and all others that stand.
    """

    __slots__ = ("_asked", "_failures_seen", "_measured", "_proves", "_seen", "_told", "epoch_us", "rule")

    def __init__(self, asked: Rule, epoch_us: Callable[[], int], answers_prove_arrival: bool | None = None) -> None:
        self.rule = asked
        self.epoch_us = epoch_us
        self._asked = asked
        self._proves = answers_prove_arrival
        self._measured = UNMEASURED
        self._failures_seen = False
        self._seen = False
        self._told: Sequence[StandingRule] = ()

    def see(self, entry: Entry | None) -> Reservations:
        """Return what is reserved, to see whether a permit still holds."""
        self._seen = True
        if entry is None:
            self.rule = self._asked.with_headroom(UNMEASURED.headroom_us)
            return no_reservations(self.rule)
        self._failures_seen = entry.reservations.circuit.failure_count > 0
        self._measured = entry.reservations.measured
        self._told = [each for each in entry.standing if each.announced]
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

    def _in_force(self, entry: Entry, now_us: int) -> Rule:
        """Return the rule that keeps one's own and all others that stand, under the headroom that was measured."""
        return self._strictest(standing_of(entry, now_us), entry.reservations)

    def _strictest(self, standing: Sequence[StandingRule], reservations: Reservations) -> Rule:
        rule = strictest([self._asked, *(other.rule for other in standing)])
        return rule.with_headroom(reservations.measured.headroom_us)

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


def standing_of(entry: Entry | None, now_us: int) -> Sequence[StandingRule]:
    """Return the rules that stand at a moment."""
    return [other for other in entry.standing if other.until_us > now_us] if entry else ()
