"""What `headway status` says of a budget: when the next call may leave, and why not now."""

import yaml
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.limits import Limit, Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.changes import STANDING_US, Changes
from headway_lane.limiter.core.circuit import OPEN_US, THRESHOLD, CircuitState
from headway_lane.limiter.core.measured import Sample
from headway_lane.limiter.core.reservations import DAY_US
from headway_lane.limiter.core.rule import Rule, rule_of
from headway_lane.limiter.core.signals import Reason

from headway.operations.budgets import BudgetStatus, Learned, RuleBeside, learned_of, status_of, statuses
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

LIMITS = [Limit(10, 1, Scope.SUBMIT), Limit(20, 60, Scope.SUBMIT)]
RULE = rule_of(LIMITS, 0)
NOW_US = 1_000_000_000


class Lane:
    """A budget whose clock stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_us = NOW_US
        self.store = MemoryReservationStore()
        self.budget = Budget(self.store, Changes("acme#submit", RULE, lambda: self.now_us))

    @property
    def status(self) -> BudgetStatus:
        entry = self.store.read("acme#submit")
        assert entry is not None
        return status_of("acme", "submit", entry, self.now_us)


def test_a_healthy_budget_names_its_next_slot_and_no_reason() -> None:
    lane = Lane()
    lane.budget.reserve(3, 0)
    learned = Learned(0, 0, day_count=None, day_amount=None, rules_beside=[])
    assert lane.status == BudgetStatus("acme", "submit", 1.125, 0, None, CircuitState.CLOSED, 0, 0, learned)


def test_a_long_window_that_is_used_up_shows_in_the_next_slot() -> None:
    lane = Lane()
    lane.budget.reserve(20, 0)
    assert lane.status.free_in_s > 50


def test_a_cool_down_is_named_until_it_ends() -> None:
    lane = Lane()
    lane.budget.cool_down(5_000_000, Reason.RATE_LIMIT_HEADER)
    assert (lane.status.cool_down_for_s, lane.status.cool_down_reason) == (5, Reason.RATE_LIMIT_HEADER)
    lane.now_us += 5_000_000
    assert (lane.status.cool_down_for_s, lane.status.cool_down_reason) == (0, None)


def test_an_open_circuit_is_named_with_its_period_and_a_longer_cool_down_before_it() -> None:
    lane = Lane()
    for permit in lane.budget.reserve(THRESHOLD, 0):
        lane.budget.failed(permit, f"call-{permit.number}")
    status = lane.status
    assert (status.circuit, status.cool_down_reason, status.failure_count) == (
        CircuitState.OPEN,
        Reason.CIRCUIT,
        THRESHOLD,
    )
    assert status.cool_down_for_s == status.probe_every_s == OPEN_US / 1_000_000
    lane.budget.cool_down(60_000_000, Reason.RETRY_AFTER)
    assert (lane.status.cool_down_for_s, lane.status.cool_down_reason) == (60, Reason.RETRY_AFTER)
    lane.now_us += 60_000_000
    assert (lane.status.circuit, lane.status.cool_down_reason) == (CircuitState.HALF_OPEN, None)


def test_the_budget_that_submits_and_polls_share_is_found_under_the_name_by_which_the_limiter_writes_it() -> None:
    document = yaml.safe_load((CONFIGURATION / "presets" / "onfido.yaml").read_text())
    vendor, store = Vendor.from_document(document), MemoryReservationStore()
    for scope in (Scope.SUBMIT, Scope.POLL):
        budget = budget_of(store, vendor, scope, Tuning.default_of(vendor), lambda: NOW_US, lambda _: None)
        assert budget is not None
        budget.reserve(1, 0)
    assert [(found.vendor, found.scope) for found in statuses(store, ["onfido"], NOW_US)] == [("onfido", "any")]


def learned(store: MemoryReservationStore, now_us: int) -> Learned:
    entry = store.read("acme#submit")
    assert entry is not None
    return learned_of(entry, now_us)


def changes_under(rule: Rule) -> Changes:
    return Changes("acme#submit", rule, lambda: NOW_US)


def test_what_is_learned_is_told_with_the_calls_that_it_was_learned_from() -> None:
    store = MemoryReservationStore()
    budget = Budget(store, changes_under(rule_of(LIMITS, 15_000, headroom_limit_us=150_000)))
    budget.reserve(1, 0)
    assert (learned(store, NOW_US).headroom_ms, learned(store, NOW_US).calls_count) == (75, 0)
    samples = [Sample(1_000, 50_000 + 1_000 * index) for index in range(60)]
    budget.runner(lambda: NOW_US, lambda _: None).run(budget.changes.answered([], samples))
    found = learned(store, NOW_US)
    assert found.calls_count == 60
    assert 50 <= found.headroom_ms <= 60


def test_a_cap_is_told_with_the_count_of_today_and_none_is_told_without() -> None:
    store = MemoryReservationStore()
    Budget(store, changes_under(rule_of(LIMITS, 0, day_amount=5))).reserve(3, 0)
    found, tomorrow = learned(store, NOW_US), learned(store, NOW_US + DAY_US)
    assert (found.day_count, found.day_amount) == (3, 5)
    assert (tomorrow.day_count, tomorrow.day_amount) == (0, 5)


def test_a_slower_rule_of_somebody_elses_configuration_is_told_as_long_as_it_stands() -> None:
    store = MemoryReservationStore()
    Budget(store, changes_under(rule_of(LIMITS, 0, 2))).reserve(1, 0)
    Budget(store, changes_under(RULE)).reserve(1, 0)
    [beside] = learned(store, NOW_US).rules_beside
    assert beside == RuleBeside(2, 0, None, STANDING_US / 1_000_000)
    assert learned(store, NOW_US + STANDING_US).rules_beside == []
