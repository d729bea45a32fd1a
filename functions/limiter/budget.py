"""One budget's permits under contention (hop 4): read, decide in `permits`, write if nobody else has meanwhile.

One read and one conditional write book a whole batch. A lost race is repeated after a jittered pause;
attempts are bounded, and running out of them has an error of its own: too many dispatchers share one budget.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from functions.contract.vendor import Scope, Vendor
from functions.errors import RetryLater
from functions.limiter.permits import Book, Permit, Rule, book, empty_book, give_back, late, rebase, rule_of
from functions.limiter.tuning import POLL_HEADROOM_MS, Tuning

ATTEMPTS: Final = 12
"""Of c bookers at once one succeeds in every round: a dozen lost races want more than a dozen bookers."""
LONGEST_BACKOFF_US: Final = 60_000
"""Longest pause after a lost race; below it twice the pause before, with full jitter, so that a crowd spreads out."""
SWITCH_US: Final = 250_000
"""A changed rule spares the permits of the next moments: their callers may have looked at the book already."""


class Contended(RetryLater):
    """Too many bookers wrote at the same time; nothing was booked."""


class Entry(NamedTuple):
    """A book as stored: its version counts the writes, `rule` is the rule under which it was written."""

    version: int
    rule: Rule
    book: Book


class BookStore(Protocol):
    """Where books are kept; `write` is conditional on the version that was read."""

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
        store: BookStore,
        name: str,
        rule: Rule,
        epoch_us: Callable[[], int],
        sleep_us: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._name = name
        self._rule = rule
        self._epoch_us = epoch_us
        self._sleep_us = sleep_us

    @property
    def rule(self) -> Rule:
        """Return the rule that this budget is booked under."""
        return self._rule

    def book(self, count: int, lead_us: int, horizon_us: int | None = None) -> Sequence[Permit]:
        """Book `count` permits, the first at least `lead_us` from now. Raises Contended.

        With a horizon fewer are booked, or none: those that leave within `horizon_us`, and their neighbours up to a
        quota's pause. Whoever books far ahead cannot be told of calls that arrive late.
        """
        interval_us = self._rule.interval_us

        def decide(before: Book) -> tuple[Book, tuple[Permit, ...]]:
            now_us = self._epoch_us()
            after, permits = book(self._rule, before, now_us + lead_us, count)
            if horizon_us is None:
                return after, permits
            ends_us = range(now_us + horizon_us, now_us + horizon_us + count * interval_us, interval_us)
            near = sum(permit.slot_us <= end_us for permit, end_us in zip(permits, ends_us, strict=True))
            if near == count:
                return after, permits
            return book(self._rule, before, now_us + lead_us, near) if near else (before, ())

        return self._change(decide)

    def late(self, permit: Permit, answered_us: int) -> None:
        """Keep the calls of the next window away from one that may have arrived as late as it was answered."""
        self._change(lambda before: (late(self._rule, before, permit, answered_us), ()))

    def brake(self, duration_us: int) -> None:
        """Let nobody call for `duration_us` from now: booked permits are void, new ones start behind it."""

        def decide(before: Book) -> tuple[Book, tuple[Permit, ...]]:
            now_us = self._epoch_us()
            resume_us = now_us + duration_us
            if before.resume_us > now_us + duration_us // 2:
                return before, ()  # somebody else has braked for the same trouble
            return rebase(self._rule, before, now_us, resume_us), ()

        self._change(decide)

    def give_back(self, permits: Sequence[Permit]) -> None:
        """Free neighbouring permits that nobody will use."""
        if permits:
            self._change(lambda before: (give_back(self._rule, before, permits), ()))

    def first_free_us(self) -> int:
        """Return the first slot that nobody has booked."""
        _, [permit] = book(self._rule, self._current(self._store.read(self._name)), 0, 1)
        return permit.slot_us

    def look(self) -> Book:
        """Return what is booked now, to see whether a permit still holds."""
        entry = self._store.read(self._name)
        return entry.book if entry else empty_book(self._rule)

    def _change(self, decide: Callable[[Book], tuple[Book, tuple[Permit, ...]]]) -> Sequence[Permit]:
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep_us(random.randint(1, min(LONGEST_BACKOFF_US, 1_000 << attempt)))  # noqa: S311 - jitter
            entry = self._store.read(self._name)
            before = self._current(entry)
            after, permits = decide(before)
            if entry and after == entry.book:
                return permits  # nothing to write
            if self._store.write(self._name, Entry(entry.version + 1 if entry else 1, self._rule, after)):
                return permits
        raise Contended(f"the book of {self._name} was written by others {ATTEMPTS} times in a row")

    def _current(self, entry: Entry | None) -> Book:
        """Return the book under today's rule. A changed rule voids what lies ahead; a slower one waits a window first,
        because the calls of the last one went at the old rate.
        """
        if entry is None:
            return empty_book(self._rule)
        if entry.rule == self._rule:
            return entry.book
        known = entry.book if _grains(entry.rule) == _grains(self._rule) else replace(entry.book, counts=())
        from_us = self._epoch_us() + SWITCH_US
        slower = self._rule.interval_us > entry.rule.interval_us
        wait_us = self._rule.forget_us if slower else entry.rule.interval_us
        return rebase(self._rule, known, from_us, from_us + wait_us)


def _grains(rule: Rule) -> list[int]:
    return [quota.grain_us for quota in rule.quotas]


def budget_of(
    store: BookStore,
    vendor: Vendor,
    scope: Scope,
    tuning: Tuning,
    epoch_us: Callable[[], int],
    sleep_us: Callable[[int], None],
) -> Budget | None:
    """Return the budget of a vendor's scope, `replicate#submit`; None where no limit counts its calls.

    The operator's ceiling is on submits: polls follow from them. Where a limit counts both, they share one budget,
    `replicate#calls`, under all limits of the vendor at once and the ceiling: one book, one rule.
    """
    booked = vendor.book_scope(scope)
    limits = vendor.limits_of(booked)
    if not limits:
        return None
    ceiling_per_s, headroom_ms = tuning.rate_per_s, tuning.headroom_ms
    if booked is Scope.POLL:
        ceiling_per_s, headroom_ms = math.inf, max(headroom_ms, POLL_HEADROOM_MS)
    rule = rule_of(limits, headroom_ms * 1_000, ceiling_per_s, tuning.skew_ms * 1_000)
    name = "calls" if booked is Scope.ANY else booked
    return Budget(store, f"{vendor.name}#{name}", rule, epoch_us, sleep_us)
