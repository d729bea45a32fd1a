"""Every derived number with its formulas, whatever the vendor: for the docs' table."""

from collections.abc import Sequence
from dataclasses import dataclass

from headway.planning.formulas import ORDER, Group
from headway.planning.naming import NAMED


@dataclass(frozen=True, slots=True)
class DerivedNumber:
    """One formula of a number; a number has as many as it has cases.

    `when` says for which contracts in the words of the code (`dispatch.direct`, `not shares`; empty: for all), `note`
    what the number is; either may be empty.
    """

    group: Group
    name: str
    formula: str
    when: str
    note: str


def derived_numbers() -> Sequence[DerivedNumber]:
    """Return all formulas of all numbers, in the order of a plan and, for one number, in the order of the code."""
    return [
        DerivedNumber(group, name, each.text, each.when, each.note)
        for group, names in ORDER.items()
        for name in names
        for kind, naming in NAMED
        for each in naming.formulas(kind).get(name, ())
    ]
