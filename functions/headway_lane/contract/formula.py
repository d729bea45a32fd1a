"""The text of a formula, kept with the property that computes the number: `headway plan` and the docs read it there.

A text is arithmetic over names: those of properties, fields and constants, `min`, `max`, `ceil`, `floor`, and `x` for
multiplication. Where it depends on the contract, `when` names the attributes that the property itself asks. Tests
evaluate every text and compare. In the functions nobody reads any of it, and it costs them nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

KEPT_AS: Final = "formulas"
"""Name of the function's attribute that holds its formulas."""

Computing = TypeVar("Computing", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Formula:
    """How a number comes about.

    `when` says for which owners: dotted names of attributes that are true, or, after `not `, false; joined by ` and `.
    Empty: for all.
    """

    text: str
    when: str = ""
    note: str = ""

    def holds(self, owner: object) -> bool:
        """Return whether this is the formula for an owner."""
        return all(_is_true(owner, condition) for condition in self.when.split(" and ")) if self.when else True


def formula(text: str, *, when: str = "", note: str = "") -> Callable[[Computing], Computing]:
    """Keep a formula with the function of a property; stands below `@property`, once for each `when`."""

    def keep(computing: Computing) -> Computing:
        setattr(computing, KEPT_AS, (Formula(text, when, note), *getattr(computing, KEPT_AS, ())))
        return computing

    return keep


def formulas(owner: type) -> Mapping[str, tuple[Formula, ...]]:
    """Return the formulas of a class by the name of the property, those of its bases first, in the order written."""
    members: dict[str, Any] = {}
    for each in reversed(owner.__mro__):
        members.update(vars(each))
    properties = {name: member.fget for name, member in members.items() if isinstance(member, property)}
    return {name: getattr(fget, KEPT_AS) for name, fget in properties.items() if hasattr(fget, KEPT_AS)}


def _is_true(owner: object, condition: str) -> bool:
    name = condition.removeprefix("not ")
    return bool(attrgetter(name)(owner)) is (name == condition)
