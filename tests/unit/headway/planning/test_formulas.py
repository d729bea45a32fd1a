"""Every formula, with its numbers put in, gives the value that the stack's own code gives."""

import json
import math

import pytest
from headway_lane.contract.formula import formulas
from headway_lane.contract.limits import Scope
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from headway_lane.limiter.budget import Budget, budget_of
from headway_lane.limiter.core.dispatching import LEAD_US
from headway_lane.limiter.pace import PermitPace
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.planning.facts import facts_of
from headway.planning.formulas import ORDER, number
from headway.planning.naming import AS_IS, NAMED
from headway.planning.plan import plan
from headway.planning.reference import derived_numbers
from headway.planning.situation import Situation
from tests.unit.headway.planning.situations import evaluate, limit, line, plan_of, situation_of, situations
from tests.unit.headway_lane.memory_stores import MemoryReservationStore

ROUNDED = 1e-4
"""What is written with six digits may be off by this share."""


@given(situation=situations())
@settings(max_examples=150, deadline=None)
def test_the_numbers_of_every_formula_evaluate_to_its_value(situation: Situation) -> None:
    for drawn in plan(situation).lines:
        found = evaluate(drawn.numbers)
        if isinstance(drawn.value, str):
            assert found is True, drawn
        else:
            slack = 1 if drawn.name.endswith("_us") else 0  # a float that is a whole number but for its last bit
            assert math.isclose(found, drawn.value, rel_tol=ROUNDED, abs_tol=slack), drawn


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_what_the_stack_rounds_is_the_same_to_the_last_digit(situation: Situation) -> None:
    for drawn in plan(situation).lines:
        if type(getattr(situation.vendor, drawn.name, None)) is int:
            assert (evaluate(drawn.numbers), drawn.value) == (drawn.value, getattr(situation.vendor, drawn.name)), drawn


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_a_plan_has_one_line_per_name_and_misses_no_number_of_the_contract(situation: Situation) -> None:
    names = [drawn.name for drawn in plan(situation).lines]
    assert len(names) == len(set(names))
    only_where_shared = set() if situation.vendor.shares else {"calls_per_job_count", "lasting_rps"}
    assert numbers_of_the_contract(situation) - only_where_shared <= set(names)
    five = {
        "batch_size",
        "batching_window_s",
        "maximum_concurrency",
        "reserved_concurrency",
        "provisioned_concurrency",
    }
    assert five | {"trigger", "predicted_rps", "utilisation", "backlog_s", "fence_rate_per_s"} <= set(names)


def numbers_of_the_contract(situation: Situation) -> set[str]:
    """Name the properties of a contract that are numbers, wherever in its bases they stand."""
    members = {name: member for kind in Vendor.__mro__ for name, member in vars(kind).items()}
    names = {name for name, member in members.items() if isinstance(member, property)}
    return {name for name in names if type(getattr(situation.vendor, name)) in (int, float)}


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_of_several_formulas_of_a_number_one_holds(situation: Situation) -> None:
    facts = facts_of(situation)
    owners = (situation.vendor, situation.vendor.dispatch, situation, facts.advice, facts.forecast)
    for owner in (*owners, facts.forecast.pacing, *facts.forecast.bounds):
        for name, variants in formulas(type(owner)).items():
            found = [variant for variant in variants if variant.holds(owner)]
            assert len(found) <= 1, (name, found)
            always = len(variants) > 1 and name not in ("calls_per_job_count", "caller_count")
            assert found or not always, (name, variants)


def test_every_number_with_a_formula_has_its_place_in_a_plan_and_every_place_its_formula() -> None:
    placed = {name for names in ORDER.values() for name in names}
    assert placed == {derived.name for derived in derived_numbers()}
    assert {name for kind, naming in NAMED if naming is AS_IS for name in formulas(kind)} <= placed


@given(situation=situations())
@settings(max_examples=50, deadline=None)
def test_a_plan_is_a_json_document(situation: Situation) -> None:
    document = json.loads(json.dumps(plan(situation).as_json(), allow_nan=False))
    assert document["lines"]


def test_every_formula_of_the_table_is_used_by_some_contract() -> None:
    used: set[tuple[str, str]] = set()

    @given(situation=situations())
    @settings(max_examples=1_000, deadline=None, database=None, derandomize=True)
    def draw(situation: Situation) -> None:
        used.update((drawn.name, drawn.formula) for drawn in plan(situation).lines)

    draw()
    assert {(derived.name, derived.formula) for derived in derived_numbers()} == used


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_the_fences_are_those_of_the_proxy(situation: Situation) -> None:
    drawn = plan(situation)
    for prefix, scope in (("fence", Scope.SUBMIT), ("poll_fence", Scope.POLL)):
        fence = situation.vendor.fence(scope)
        if fence:
            assert line(drawn, f"{prefix}_rate_per_s").value == fence.rate_per_s
            assert line(drawn, f"{prefix}_burst_count").value == fence.burst_count


@given(situation=situations())
@settings(max_examples=100, deadline=None)
def test_the_rule_is_the_one_that_permits_are_reserved_under(situation: Situation) -> None:
    store = MemoryReservationStore()
    budget = budget_of(store, situation.vendor, Scope.SUBMIT, situation.tuning, lambda: 0, lambda _: None)
    assert budget is not None
    assert budget.rule == situation.rule


@pytest.mark.parametrize(("amount", "batch_size"), [(1, 10), (10, 10), (20, 10), (35, 7), (200, 10), (20, 1)])
def test_a_dispatcher_writes_as_often_as_planned(amount: int, batch_size: int) -> None:
    situation = situation_of(
        {
            "limits": [{"quantity": "calls", "amount": amount, "per_s": 1, "scope": "submit"}],
            "dispatch.batch_size": batch_size,
        }
    )
    store = MemoryReservationStore()
    now_us = [1_000_000]

    def sleep_us(duration_us: int) -> None:
        now_us[0] += duration_us

    def budgets(vendor: Vendor, tuning: Tuning) -> Budget | None:
        return budget_of(store, vendor, Scope.SUBMIT, tuning, lambda: now_us[0], sleep_us)

    waiting = budgets(situation.vendor, situation.tuning)
    assert waiting is not None
    waiting.reserve(1, LEAD_US)  # on an idle budget nobody would be started ahead of time
    store.write_count = 0
    pace = PermitPace(budgets, lambda: now_us[0], sleep_us)
    list(pace.turns(situation.vendor, situation.tuning, batch_size))
    assert store.write_count == line(plan(situation), "writes_per_call").value * batch_size


def test_a_formula_stands_beside_its_numbers() -> None:
    drawn = line(plan_of({"dispatch.batch_size": 5}), "dispatcher_timeout_s")
    assert drawn.formula == "min(900, ceil(batch_size x (dispatchers_count / max_rps)) + margin_s)"
    assert (drawn.numbers, drawn.value) == ("min(900, ceil(5 x (2 / 10)) + 30)", 31)


def test_the_burst_of_a_fence_is_written_with_the_limits_that_it_follows_from() -> None:
    limits = [limit(10, 1), limit(60, 60), limit(4, 2, "poll")]
    drawn = plan_of({"limits": limits, "dispatch.batch_size": 1})
    submits, polls = (line(drawn, f"{prefix}_burst_count") for prefix in ("fence", "poll_fence"))
    assert (submits.numbers, submits.value) == ("ceil((60000000 + 250000 x 480) x 10 / (480 x 1250000))", 3)
    assert (polls.numbers, polls.value) == ("ceil((2000000 + 250000 x 4) x 4 / (4 x 2250000))", 2)


def test_a_number_with_several_cases_is_listed_with_each_whatever_the_vendor() -> None:
    cases = [(each.formula, each.when) for each in derived_numbers() if each.name == "call_heartbeat_s"]
    assert cases == [
        ("max(tolerated_s, answer_s) + margin_s", "not dispatch.direct"),
        ("tolerated_s + answer_s + margin_s", "dispatch.direct"),
    ]
    rates = [(each.formula, each.when) for each in derived_numbers() if each.name == "fence_rate_per_s"]
    assert rates == [
        ("fence_factor x fence_amount / fence_per_s", "dispatch.by_permits"),
        ("max(fence_amount - fence_burst, 0.5) / fence_per_s", "not dispatch.by_permits"),
    ]


@given(value=st.floats(min_value=1e-6, max_value=1e9))
def test_an_exact_number_is_the_same_float(value: float) -> None:
    assert evaluate(number(value, exact=True)) == value


def test_an_exact_rate_is_written_as_the_fraction_that_it_is() -> None:
    assert [number(value, exact=True) for value in (10 / 3, 0.25, 7.0)] == ["(10 / 3)", "0.25", "7"]
    assert number(10 / 3) == "3.33333"
