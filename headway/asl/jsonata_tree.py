"""What a JSONata expression names: variables, functions, and what it reads of `$states`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonata.parser import Parser

from headway.asl.expressions import tree_of

_SINGLE = ("lhs", "rhs", "lhs_object", "expression", "expressions", "procedure", "arguments", "body", "condition")
_OTHER = ("then", "_else", "expr", "predicate", "stages", "group", "terms", "pattern", "update", "delete", "steps")
_CHILDREN = (*_SINGLE, *_OTHER)


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression names that it does not bind itself.

    `reads` are the fields behind `$states`, for example `("input", "rows")`; `functions` are those that are called.
    """

    variables: frozenset[str]
    functions: frozenset[str]
    reads: frozenset[tuple[str, ...]]
    guarded: frozenset[str]
    """Variables in `$exists(...)`."""


def children(node: Any) -> Iterator[Any]:
    """Yield the nodes directly within one, in no order that means something."""
    for name in _CHILDREN:
        yield from flat(getattr(node, name, None))


def flat(part: Any) -> Iterator[Any]:
    """Yield the nodes of lists in lists."""
    if isinstance(part, list | tuple):
        for one in part:
            yield from flat(one)
    elif isinstance(part, Parser.Symbol):
        yield part


def nodes(tree: Any) -> Iterator[Any]:
    """Yield all nodes of a tree."""
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        yield node
        ahead.extend(children(node))


@lru_cache(8_192)
def names_of(expression: str) -> Names | None:
    """Return what an expression names; None where it is none."""
    tree = tree_of(expression)
    if isinstance(tree, str):
        return None
    variables: set[str] = set()
    functions: set[str] = set()
    bound: set[str] = set()
    reads: set[tuple[str, ...]] = set()
    guarded: set[str] = set()
    called: set[int] = set()
    found = list(nodes(tree))
    for node in found:
        bound.update(_bound(node))
        if node.type in ("function", "partial") and node.procedure is not None and node.procedure.type == "variable":
            called.add(id(node.procedure))
            functions.add(str(node.procedure.value))
            if node.procedure.value == "exists":
                guarded.update(str(one.value) for part in flat(node.arguments) for one in nodes(part))
        if node.type == "path":
            reads.update(_reads(node.steps))
        elif node.type == "variable":
            variables.add(str(node.value))
            if node.value == "states":
                reads.add(())
    for node in found:
        if node.type == "path" and id(node.steps[0]) not in called and node.steps[0].value == "states":
            reads.discard(())
    plain = {name for name in variables - bound - functions if name not in ("", "$", "states")}
    return Names(frozenset(plain), frozenset(functions - bound), frozenset(reads), frozenset(guarded))


def _bound(node: Any) -> Iterator[str]:
    if node.type == "bind":
        yield str(node.lhs.value)
    elif node.type == "lambda":
        yield from (str(argument.value) for argument in flat(node.arguments))
    for name in ("focus", "index"):
        if isinstance(value := getattr(node, name, None), str):
            yield value


def _reads(steps: Any) -> Iterator[tuple[str, ...]]:
    first, *others = steps
    if first.type != "variable" or first.value != "states":
        return
    found: list[str] = []
    for step in others:
        if step.type != "name":
            break
        found.append(str(step.value))
    yield tuple(found)


def whole_path(expression: str) -> tuple[str, ...] | None:
    """Return what is read of `$states` by an expression that does nothing else; None for any other."""
    tree = tree_of(expression)
    if isinstance(tree, str):
        return None
    if tree.type == "variable" and tree.value == "states":
        return ()
    if tree.type != "path" or not all(_is_plain(step) for step in tree.steps):
        return None
    return next(_reads(tree.steps), None)


def _is_plain(step: Any) -> bool:
    return step.type in ("variable", "name") and not (step.stages or step.predicate or step.focus or step.group)
