"""JSONata in a definition: what AWS finds wrong with an expression before anything runs.

In: the text between `{%` and `%}`. Out: what is wrong with it, or nothing. Types and missing values show at run time
only, on AWS too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser

INVALID: Final = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED: Final = "UNSUPPORTED_JSONATA_EXPRESSION"

_TOO_EARLY: Final = "Unexpected end of expression"
_ON_ITEMS: Final = ("predicate", "stages", "group", "terms", "pattern", "update", "delete")
"""What is evaluated on the items of what it stands behind, so that bare names have a meaning there."""
_PARTS: Final = (
    *("lhs", "rhs", "lhs_object", "expression", "expressions", "procedure", "arguments", "body"),
    *("condition", "then", "_else", "expr"),
)
_BARE: Final = ("name", "wildcard", "descendant")


@dataclass(frozen=True, slots=True)
class Objection:
    """A code of AWS's diagnostics and its message."""

    code: str
    message: str


@lru_cache(8_192)
def objections(expression: str, *, in_catcher: bool) -> tuple[Objection, ...]:
    """Return what AWS has against an expression; `$states.errorOutput` exists in a catcher only."""
    tree = tree_of(expression)
    if isinstance(tree, str):
        return (Objection(INVALID, tree),)
    found = dict.fromkeys(_unsupported(tree, top=True, in_catcher=in_catcher))
    return tuple(Objection(UNSUPPORTED, message) for message in found)


@lru_cache(8_192)
def tree_of(expression: str) -> Parser.Symbol | str:
    """Return the parsed expression, or what is wrong with it. Nobody may change it."""
    try:
        tree = Jsonata.get_parser().parse(expression)
    except JException as problem:
        return str(problem)
    except Exception as problem:  # the library has holes: some nonsense ends in an AttributeError
        return str(problem) or _TOO_EARLY
    return _TOO_EARLY if tree is None else tree


def _unsupported(node: Any, *, top: bool, in_catcher: bool) -> Iterator[str]:
    """Yield what AWS has no value for, in reading order; `top` where nothing but `$states` and variables is known."""
    if isinstance(node, list | tuple):
        for part in node:
            yield from _unsupported(part, top=top, in_catcher=in_catcher)
        return
    if not isinstance(node, Parser.Symbol):
        return
    if node.type == "path":
        yield from _of_path(node, top=top, in_catcher=in_catcher)
    elif node.type == "variable" and node.value == "$":
        yield "Reference to '$$' is not supported."
    elif top and node.type == "variable" and node.value == "":
        yield "Reference to '$' at the top level is not supported."
    elif top and node.type in _BARE:
        yield f"Reference to '{node.value}' at the top level is not supported."
    elif node.type == "function" and getattr(node.procedure, "value", None) == "eval":
        yield "Function '$eval' is not supported."
    for names, within in ((_PARTS, top), (_ON_ITEMS, False)):
        for name in names:
            if part := getattr(node, name):  # most have nothing in it, and this is asked of every node
                yield from _unsupported(part, top=within, in_catcher=in_catcher)


def _of_path(path: Any, *, top: bool, in_catcher: bool) -> Iterator[str]:
    """Yield the same of a path: its first step stands where the path stands, every other one on the step before."""
    first, *others = path.steps
    yield from _unsupported(first, top=top, in_catcher=in_catcher)
    yield from _unsupported(others, top=False, in_catcher=in_catcher)
    words = [step.value for step in path.steps[:2]]
    if first.type == "variable" and words == ["states", "errorOutput"] and not in_catcher:
        yield "Field '$states.errorOutput' does not exist."
