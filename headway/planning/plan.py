"""A plan: every number of a vendor's lane with its formula, and what speaks against them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from headway.planning.cautions import cautions_of
from headway.planning.facts import Facts, facts_of
from headway.planning.formulas import ORDER, SET_BY_HAND, Group, with_numbers
from headway.planning.measurement import Measurement
from headway.planning.situation import Situation


@dataclass(frozen=True, slots=True)
class Line:
    """One value: what it is, what is set by hand beside it, its formula, and the formula with the numbers put in."""

    group: str
    name: str
    value: float | str
    configured: float | str | None
    formula: str
    numbers: str
    note: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A caution that holds; `code` is for machines."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one vendor. `notes` say what its numbers rest on."""

    vendor: str
    latency_ms: int
    backlog_count: int
    lines: Sequence[Line]
    warnings: Sequence[Warned]
    notes: Sequence[str] = ()
    measured: Measurement | None = None

    def as_json(self) -> Mapping[str, Any]:
        """Return the plan as a JSON document."""
        return asdict(self)


def plan(situation: Situation, measured: Measurement | None = None, notes: Sequence[str] = ()) -> Plan:
    """Draw the plan of a situation, beside what was measured, and with what else is to be noted."""
    facts = facts_of(situation)
    return Plan(
        vendor=situation.vendor.name,
        latency_ms=situation.latency_ms,
        backlog_count=situation.backlog_count,
        lines=[_line(group, name, facts) for group, names in ORDER.items() for name in names if name in facts.formulas],
        warnings=[Warned(caution.code, caution.write(facts)) for caution in cautions_of(facts)],
        notes=[*notes, *_notes(situation)],
        measured=measured,
    )


def _notes(situation: Situation) -> Iterator[str]:
    """Say which headroom is planned with, where it is not simply the one that is set."""
    set_ms, learned_ms = situation.tuning.headroom_ms, situation.learned_headroom_ms
    if learned_ms is None and set_ms is None and situation.by_permits:
        yield (
            f"`headroom_ms: auto` is planned with its least, {situation.headroom_ms} ms; `--measured` takes what is"
            " learned."
        )
    if learned_ms is not None and set_ms is not None:
        yield f"The tuning sets `headroom_ms: {set_ms}`; these numbers are those of `auto`, {learned_ms} ms."


def _line(group: Group, name: str, facts: Facts) -> Line:
    """Put the facts into a formula; what is recommended follows from what is recommended beside it."""
    recommended = group is Group.PARAMETERS
    terms = facts.recommended if recommended else facts.numbers
    value: float | str
    configured: float | str | None
    if name == "trigger":
        dispatch = facts.situation.vendor.dispatch
        value = str(facts.advice.trigger)
        configured = str(dispatch.trigger) if dispatch.trigger_is_set else None
    else:
        value = terms[name]
        by_hand = name if recommended else SET_BY_HAND.get(name)
        configured = facts.numbers[by_hand] if by_hand else None
    formula = facts.formulas[name]
    return Line(
        group=group,
        name=name,
        value=value,
        configured=configured,
        formula=formula.text,
        numbers=with_numbers(formula.text, terms),
        note=formula.note,
    )
