"""The numbers of the code, for the documents: what a constant is called, its value with its unit, and the reason.

A document marks a number with a comment that GitHub does not show, `<!-- value: LEAD_US -->500 ms`. `fill` writes the
value of today behind each mark. A mark names a constant of the functions, with its folder where several bear the name,
or a number that follows from a shipped contract, such as `replicate.call_timeout_s`.
"""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from pathlib import Path
from typing import Final

import yaml
from headway_cdk.resources import EXAMPLE_CONFIGURATION
from headway_lane.contract.vendor import Vendor

ROOT: Final = Path(__file__).parents[2]
LANE: Final = ROOT / "functions" / "headway_lane"
VENDORS: Final = EXAMPLE_CONFIGURATION / "vendors"

DAY_S: Final = 86_400
SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
UNITS: Final = {"bytes": " bytes", "rps": "/s", "minutes": " min"}
MARK: Final = re.compile(r"(<!-- value: ([\w.]+) -->)(\d+(?:[.,]\d+)*(?: (?:ms|s|days|bytes|min)\b|/s)?)?")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that a module of the functions names; `why` is the text below it, empty where there is none."""

    folder: str
    module: str
    name: str
    value: float
    why: str


def constants() -> Iterator[Constant]:
    """Yield every public constant of the functions that is a number, by folder, file and place in the file."""
    for path in sorted(LANE.rglob("*.py")):
        if found := list(_numbers_in(path)):
            dotted = ".".join(path.relative_to(LANE.parent).with_suffix("").parts)
            numbers = vars(importlib.import_module(dotted))
            for name, why in found:
                if isinstance(numbers[name], int | float):  # a name may stand for something else
                    yield Constant(path.parent.name, path.stem, name, numbers[name], why)


def _numbers_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield names and reasons of constants that are written as numbers or as arithmetic of such."""
    body = ast.parse(path.read_text()).body
    for statement, below in zip_longest(body, body[1:]):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name = statement.target.id
        if name.startswith("_") or not name.isupper() or not _is_number(statement.value):
            continue
        match below:
            case ast.Expr(ast.Constant(str() as text)):
                yield name, " ".join(text.split())
            case _:
                yield name, ""


def _is_number(value: ast.expr | None) -> bool:
    match value:
        case ast.Constant(int() | float()):
            return not isinstance(value.value, bool)
        case ast.BinOp(left=left, right=right):
            return _is_number(left) and _is_number(right)
        case ast.Name(name):
            return name.isupper()
        case _:
            return False


def quantity(name: str, value: float) -> str:
    """Write a value with the unit that its name ends with: `LEAD_US` is 500 ms, `JOB_TTL_S` 30 days."""
    unit = name.lower().rpartition("_")[2]
    if unit in SECONDS:
        seconds = value * SECONDS[unit]
        if 0 < seconds < 1:
            return f"{_number(round(seconds * 1_000, 3))} ms"
        days = seconds / DAY_S
        return f"{_number(days)} days" if days >= 1 and days.is_integer() else f"{_number(seconds)} s"
    return _number(value) + UNITS.get(unit, "")


def _number(value: float) -> str:
    rounded = round(value, 3)
    return f"{int(rounded) if rounded == int(rounded) else rounded:,}"


def values() -> Mapping[str, str]:
    """Return what a mark may name: each constant by its name, alone, behind its folder, or behind folder and module. A
    name that stands for several values is left out.
    """
    named: dict[str, set[str]] = {}
    for each in constants():
        value = quantity(each.name, each.value)
        for name in (each.name, f"{each.folder}.{each.name}", f"{each.folder}.{each.module}.{each.name}"):
            named.setdefault(name, set()).add(value)
    return {name: found.pop() for name, found in named.items() if len(found) == 1}


def shipped(name: str) -> Vendor:
    """Return a vendor whose contract this repository deploys; FileNotFoundError where there is none."""
    return Vendor.from_document(yaml.safe_load((VENDORS / f"{name}.yaml").read_text()))


def fill(text: str, known: Mapping[str, str]) -> str:
    """Return a document with the value of today behind each of its marks; KeyError where a mark names nothing."""

    def value(name: str) -> str:
        owner, _, path = name.partition(".")
        if not (VENDORS / f"{owner}.yaml").exists():
            return known[name]
        return quantity(name, attrgetter(path)(shipped(owner)))

    return MARK.sub(lambda mark: mark[1] + value(mark[2]), text)
