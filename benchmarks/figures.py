"""The end of a benchmark: its figures as a table or as JSON, and a verdict that is the exit code."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table


def conclude(title: str, figures: Mapping[str, Any], verdict: tuple[str, str, bool], *, as_json: bool) -> NoReturn:
    """Print figures and verdict (its name in JSON, its words in the table), and end: 0 where it is good, else 1."""
    name, words, is_good = verdict
    if as_json:
        typer.echo(json.dumps({**figures, name: is_good}, indent=2))
    else:
        table = Table("", "", title=title)
        for figure, value in figures.items():
            table.add_row(figure, told(value))
        table.add_row(words, str(is_good))
        Console().print(table)
    raise typer.Exit(0 if is_good else 1)


def told(value: Any) -> str:
    """Write a figure: one decimal from ten on, three below, where they tell ratios apart."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
