"""A plan for the terminal."""

from collections.abc import Iterator
from itertools import groupby

from rich.table import Table
from rich.text import Text

from headway.planning.formulas import number
from headway.planning.plan import Line, Plan


def table(plan: Plan) -> Table:
    """Return the lines of a plan, grouped: name, value, what is configured, and the formula with its numbers."""
    result = Table(title=f"{plan.vendor}: a submit takes {plan.latency_ms} ms, {plan.backlog_count} calls wait")
    result.add_column("name", no_wrap=True)
    result.add_column("value", justify="right")
    result.add_column("configured", justify="right")
    result.add_column("formula")
    for group, lines in groupby(plan.lines, key=lambda line: line.group):
        result.add_section()
        result.add_row(Text(group.partition(",")[0].partition(" (")[0], style="bold"))
        for line in lines:
            configured = "" if line.configured is None else _text(line.configured)
            result.add_row(line.name, _text(line.value), configured, Text("\n").join(_formula(line)))
    return result


def _formula(line: Line) -> Iterator[Text]:
    yield Text(line.formula)
    if line.numbers != line.formula:
        result = "" if isinstance(line.value, str) else f" = {number(line.value)}"
        yield Text(f"{line.numbers}{result}")
    if line.note:
        yield Text(line.note, style="dim")


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)
