"""What the input of a state is known to be, where the states before it say so themselves."""

from collections.abc import Mapping
from typing import Any

from headway.asl.model import State

Shape = Any
"""A value as it is written, or None where nothing is known. Texts with an expression stand for anything."""


def shape_before(state: State) -> Shape:
    """Return the input of a state, if every way to it makes the same one; None where that is not known."""
    found = []
    scope = state.scope
    for other in scope.states.values():
        for path, holder, target in other.ways():
            if target == state.name:
                found.append(_made(other, holder if path != other.path else other.fields))
    if not found or scope.start is state or any(one is None or one != found[0] for one in found):
        return None
    return found[0]


def is_absent(shape: Shape, names: tuple[str, ...]) -> bool:
    """Tell whether a shape is known to have nothing under some names."""
    for name in names:
        if not isinstance(shape, Mapping):
            return False
        if name not in shape:
            return True
        shape = shape[name]
    return False


def _made(state: State, holder: Mapping[str, Any]) -> Shape:
    """Return the output that a state writes itself on one of its ways."""
    if not state.jsonata:
        return None
    if holder is not state.fields:
        output = holder.get("Output")
    else:
        output = state.fields.get("Output") if state.kind != "Choice" else None
    return output if isinstance(output, dict) else None
