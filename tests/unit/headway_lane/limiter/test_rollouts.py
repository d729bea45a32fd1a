"""A tuning, or a contract, that reaches one function after the other over four minutes, on a virtual clock."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from headway_lane.contract.limits import Limit, Scope
from headway_lane.limiter.core.calling import CallTurns
from headway_lane.limiter.core.changes import STANDING_US, Changes
from headway_lane.limiter.core.dispatching import BatchTurns
from headway_lane.limiter.core.measured import Samples
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.core.seen import SWITCH_US
from headway_lane.limiter.core.steps import LOOK, AwaitSlot, Entry, Sight, Sleep, Steps, T
from headway_lane.runtime.errors import RetryLater

from headway.simulation.virtual_time import Clock, Process, VirtualTime
from tests.unit.headway_lane.fakes import most_in_any_window

SECOND_US = 1_000_000
START_US = 1_800_000_000 * SECOND_US
BEFORE_US, ROLLOUT_US, AFTER_US = 30 * SECOND_US, 240 * SECOND_US, 45 * SECOND_US
END_US = START_US + BEFORE_US + ROLLOUT_US + AFTER_US
SLIDING_US = 20 * SECOND_US
HEADROOM_US = 15_000
DISPATCHERS, BATCH = 4, 10
CALLER_US, ANSWER_US = 60_000, 5_000
"""A caller runs so long after its dispatcher's word; its vendor answers so fast."""
CONTRACT = [Limit(20, 1, Scope.SUBMIT)]
TWENTY, SLOWED, FIVE = (
    rule_of(CONTRACT, HEADROOM_US),
    rule_of(CONTRACT, HEADROOM_US, ceiling_per_s=5),
    rule_of([Limit(5, 1, Scope.SUBMIT)], HEADROOM_US),
)


def by_itself(steps: Steps[T], changes: Changes, clock: Clock) -> Steps[T]:
    """Await slots by one's own rule: the clock's own waiting knows one rule for all."""
    answer: object = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        if not isinstance(step, AwaitSlot):
            answer = yield step
            continue
        waited = False
        while True:
            entry: Entry | None = yield LOOK
            at_us = changes.reservable_us(entry, step.horizon_us, step.share)
            ahead_us = at_us - clock.epoch_us()
            if ahead_us <= 0 or ahead_us > step.longest_us or at_us > step.latest_us:
                answer = Sight(entry, at_us, waited)
                break
            yield Sleep(at_us)
            waited = True


@dataclass
class Rollout:
    """Dispatchers and callers of one vendor; one after the other asks for the new rule, callers and dispatchers in
    turn. There is always more to call than may leave.
    """

    before: Rule
    after: Rule
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - repeatable
    arrivals_us: list[int] = field(default_factory=list)
    missed_count: int = 0
    void_count: int = 0

    def __post_init__(self) -> None:
        self.time = VirtualTime(lambda clock: self.changes(clock, 0), self.random, START_US, write_us=8_000)
        self.time.spawn(Process(self.end(), Clock(self.time)), END_US + 30 * SECOND_US)
        for index in range(DISPATCHERS):
            clock = Clock(self.time)
            self.time.spawn(Process(self.dispatcher(clock, index), clock), START_US + index)

    def changes(self, clock: Clock, index: int) -> Changes:
        """Return what the function `index` asks for now."""
        is_dispatcher = index < DISPATCHERS
        turn = 2 * (index % DISPATCHERS) + 1 + is_dispatcher  # a caller, a dispatcher, a caller, ...
        switched_us = START_US + BEFORE_US + ROLLOUT_US * turn // (2 * DISPATCHERS)
        asked = self.after if clock.epoch_us() >= switched_us else self.before
        return Changes("acme#submit", asked, clock.epoch_us, self.random.random, answers_prove_arrival=True)

    def dispatcher(self, clock: Clock, index: int) -> Steps[None]:
        while clock.epoch_us() < END_US:
            changes = self.changes(clock, index)
            batch = BatchTurns(changes, BATCH, clock.epoch_us)
            for _ in range(BATCH):
                try:
                    permit = yield from by_itself(batch.take(), changes, clock)
                except RetryLater:
                    yield Sleep(clock.epoch_us() + SECOND_US)
                    break
                caller = DISPATCHERS + self.random.randrange(DISPATCHERS)
                own = Clock(self.time)
                self.time.spawn(Process(self.caller(own, caller, permit), own), self.time.now_us + CALLER_US)
            yield from batch.close()

    def caller(self, clock: Clock, index: int, permit: Permit | None) -> Steps[None]:
        turns = CallTurns(self.changes(clock, index), permit, clock.epoch_us, Samples())
        try:
            yield from turns.take()
        except RetryLater:
            return
        finally:
            self.missed_count += turns.missed_count
            self.void_count += turns.void_count
        self.arrivals_us.append(clock.epoch_us() + self.random.randrange(HEADROOM_US // 3))
        yield Sleep(clock.epoch_us() + ANSWER_US)
        turns.answered()
        yield from turns.report()

    def end(self) -> Steps[None]:
        """End the world, whoever still waits."""
        self.time.over = True
        yield from ()

    def run(self) -> "Rollout":
        self.time.run()
        self.arrivals_us.sort()
        return self


def sliding(arrivals_us: Sequence[int]) -> Iterator[int]:
    """Yield how many calls arrived in each 20 s, from one that begins a second after the start to the last."""
    for from_us in range(START_US + SECOND_US, END_US - SLIDING_US - 2 * SECOND_US, SECOND_US // 4):
        yield bisect_left(arrivals_us, from_us + SLIDING_US) - bisect_left(arrivals_us, from_us)


SLOWER_COUNT = 5 * SLIDING_US // SECOND_US


@pytest.mark.parametrize(("before", "after"), [(TWENTY, SLOWED), (SLOWED, TWENTY)], ids=["20 to 5", "5 to 20"])
def test_a_tuning_that_rolls_out_keeps_the_slower_rate_at_any_moment_and_voids_nothing(
    before: Rule, after: Rule
) -> None:
    rollout = Rollout(before, after).run()
    assert min(sliding(rollout.arrivals_us)) >= 0.95 * SLOWER_COUNT
    assert most_in_any_window(rollout.arrivals_us, SECOND_US) <= 20
    assert (rollout.void_count, rollout.missed_count) == (0, 0)
    fast_from_us, fast_until_us = (
        (START_US, START_US + BEFORE_US)
        if before is TWENTY
        else (END_US - AFTER_US + STANDING_US + 4 * SECOND_US, END_US - SECOND_US)
    )
    fast_us = [at_us for at_us in rollout.arrivals_us if fast_from_us <= at_us < fast_until_us]
    assert len(fast_us) >= 0.95 * 20 / 1.015 * (fast_until_us - fast_from_us) / SECOND_US
    slow_from_us = START_US + BEFORE_US + ROLLOUT_US // DISPATCHERS + 5 * SECOND_US if before is TWENTY else 0
    slow_until_us = END_US if before is TWENTY else END_US - AFTER_US
    slow_us = [at_us for at_us in rollout.arrivals_us if slow_from_us <= at_us < slow_until_us]
    assert most_in_any_window(slow_us, SLIDING_US) <= SLOWER_COUNT + 1, "every mix of old and new keeps the slower rate"


@pytest.mark.parametrize(("before", "after"), [(FIVE, TWENTY)], ids=["5 to 20"])
def test_a_contract_that_rolls_out_is_broken_neither_the_old_one_nor_the_new_one(before: Rule, after: Rule) -> None:
    rollout = Rollout(before, after).run()
    assert min(sliding(rollout.arrivals_us)) >= 0.95 * SLOWER_COUNT / (1 + HEADROOM_US / SECOND_US)
    assert most_in_any_window(rollout.arrivals_us, SECOND_US) <= 20
    resumed_us = rollout.time.entry.reservations.resume_us if rollout.time.entry else 0
    strict_from_us = resumed_us if before is TWENTY else 0
    strict_until_us = END_US if before is TWENTY else END_US - AFTER_US
    strict_us = [at_us for at_us in rollout.arrivals_us if strict_from_us <= at_us < strict_until_us]
    assert len(strict_us) > 1_000
    assert most_in_any_window(strict_us, SECOND_US) <= 5
    if before is TWENTY:
        assert 0 < rollout.void_count <= 20 * (SWITCH_US + FIVE.forget_us) / SECOND_US
    else:
        assert rollout.void_count == 0
