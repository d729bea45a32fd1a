"""Writes reference.md: what the code says of itself in tables. The words that no code has are in meanings.yaml.

A name without a meaning, or a meaning without its name, is a KeyError or ValueError: the page can be neither short nor
old.
"""

import importlib.util
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import typer
import yaml
from headway_lane.ledger.record import CallAttribute, CallState, JobAttribute
from headway_lane.limiter.reservation_store import BudgetAttribute
from headway_lane.runtime.errors import ErrorCode
from headway_lane.runtime.names import Environment, Metric

from docs.generator.values import LANE, constants, quantity, shipped
from headway.cli import app

MEANINGS: Final = Path(__file__).with_name("meanings.yaml")
DERIVED: Final = "headway.planning.reference"
"""Has `derived_numbers()`: name, formula and note of every number that follows from a contract."""

HEAD: Final = """# Reference

Written by `make docs` from the code. Do not edit it: change the code, or `generator/meanings.yaml`, and run
`make docs`. A test compares.

- [Commands](#commands)
- [Errors](#errors)
- [States of a call](#states-of-a-call)
- [Attributes of the tables](#attributes-of-the-tables)
- [Metrics](#metrics)
- [Environment variables](#environment-variables)
- [Numbers of the shipped contract](#numbers-of-the-shipped-contract)
- [Derived numbers](#derived-numbers)
- [Constants](#constants)
"""


def reference() -> str:
    """Return the page."""
    meanings: Mapping[str, Mapping[str, str]] = yaml.safe_load(MEANINGS.read_text())
    parts = [
        HEAD,
        "## Commands\n\n`headway COMMAND --help` has all options and examples.\n",
        _table(("command", "does"), _commands()),
        "## Errors\n\nThe names that a workflow catches and that dead letters bear. A class of errors and its"
        " consequences: [runtime/](../functions/headway_lane/runtime/).\n",
        _table(
            ("error", "what happened", "does a new attempt make sense?"),
            ((code, *meaning.split(" | ")) for code, meaning in _meant(ErrorCode, meanings["errors"])),
        ),
        "## States of a call\n\nWhich change leads from one to the next, and who makes it:"
        " [architecture.md](architecture.md#the-ledger).\n",
        _table(("state", "meaning"), _meant(CallState, meanings["states"])),
        "## Attributes of the tables\n",
        "**Calls**: one item per call. `<state>_epoch_ms` says since when, for each state that was reached.\n",
        _table(("attribute", "meaning"), _meant(CallAttribute, meanings["calls"])),
        "**Jobs**: one item per job ID of a vendor.\n",
        _table(("attribute", "meaning"), _meant(JobAttribute, meanings["jobs"])),
        "**Budgets**: one item per vendor and scope.\n",
        _table(("attribute", "meaning"), _meant(BudgetAttribute, meanings["budgets"])),
        "## Metrics\n\nNamespace `Headway`, dimensions `service` and `vendor`.\n",
        _table(("metric", "counts"), _meant(Metric, meanings["metrics"])),
        "## Environment variables\n\nThe stack binds them; nobody sets them by hand.\n",
        _table(("variable", "value", "read in"), _environment(meanings["environment"])),
        "## Numbers of the shipped contract\n\nWhat follows from"
        " [replicate.yaml](../examples/shop/config/appconfig/vendors/replicate.yaml)."
        " `headway plan VENDOR` writes these and more for any contract, each with its formula.\n",
        _table(("number", "value", "what it is"), _shipped()),
        "## Derived numbers\n\nHow each number follows from a contract.\n",
        _derived(),
        "## Constants\n\nEvery number that the functions name, with the reason that stands beside it in the code.\n",
        _table(("constant", "value", "why"), _constants()),
    ]
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _meant(names: type[StrEnum], meanings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name with its meaning. ValueError where a meaning is of no name."""
    strange = set(meanings) - set(names)
    if strange:
        raise ValueError(f"{MEANINGS.name}: {names.__name__} has no {', '.join(sorted(strange))}")
    return ((f"`{name}`", meanings[name]) for name in names)


def _commands() -> Iterator[tuple[str, str]]:
    """Yield each command with the first paragraph of its help, groups by their commands."""
    root = typer.main.get_command(app)
    for name, command in getattr(root, "commands", {}).items():
        for under, each in getattr(command, "commands", {"": command}).items():
            yield f"`headway {f'{name} {under}'.strip()}`", _first_paragraph(each.help or "")


def _environment(meanings: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    sources = {path: path.read_text() for path in sorted(LANE.rglob("*.py"))}
    for (name, meaning), member in zip(_meant(Environment, meanings), Environment, strict=True):
        mentioned = re.compile(rf"\bEnvironment\.{member.name}\b")
        folders = {path.parent.name for path, text in sources.items() if mentioned.search(text)}
        yield name, meaning, ", ".join(f"{folder}/" for folder in sorted(folders - {LANE.name}))


def _shipped() -> Iterator[tuple[str, str, str]]:
    vendor = shipped("replicate")
    for name, member in inspect.getmembers(type(vendor), lambda member: isinstance(member, property)):
        value = getattr(vendor, name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield f"`{name}`", quantity(name, value), _first_paragraph(member.__doc__ or "")


def _derived() -> str:
    if importlib.util.find_spec(DERIVED) is None:
        return "`headway plan VENDOR` writes them.\n"
    rows = importlib.import_module(DERIVED).derived_numbers()
    cells = ((f"`{row.name}`", f"`{row.formula}`", f"`{row.when}`" if row.when else "", row.note) for row in rows)
    return _table(("number", "formula", "where", "note"), cells)


def _constants() -> Iterator[tuple[str, str, str]]:
    for each in constants():
        name = f"`{each.folder}.{each.module}.{each.name}`"
        yield name, quantity(each.name, each.value), each.why.replace("|", "\\|")


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())
