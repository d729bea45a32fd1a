"""`headway status`: what it lays out of a budget that has learned."""

from dataclasses import replace

from headway_lane.limiter.core.circuit import CircuitState

from headway.commands.status import learned_table
from headway.operations.budgets import BudgetStatus, Learned, RuleBeside

LEARNED = Learned(42, 180, day_count=3, day_amount=500, rules_beside=[RuleBeside(5, 15, None, 12)])
STATUS = BudgetStatus("acme", "submit", 0, 0, None, CircuitState.CLOSED, 0, 0, LEARNED)


def laid_out(status: BudgetStatus) -> list[str]:
    return [cell for column in learned_table([status]).columns for cell in map(str, column.cells)]


def test_what_is_learned_is_a_line_of_each_budget() -> None:
    assert laid_out(STATUS) == [
        "acme submit",
        "42 ms",
        "180",
        "3 of 500",
        "5 calls/s, headroom 15 ms, for 12 s more",
    ]


def test_what_is_not_there_is_not_told() -> None:
    calm = replace(LEARNED, day_count=None, day_amount=None, rules_beside=[])
    assert laid_out(replace(STATUS, learned=calm)) == ["acme submit", "42 ms", "180", "", ""]
