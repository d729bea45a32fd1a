"""The settings that an entry of `functions/` may read, found by walking its call graph through the source.

Whatever an entry names counts as used: a function with its body, a class with all its methods, a constant with its
value, a module that is passed on with everything in it. So the walk may find a setting too many, never one too few.
What it could not see is refused: a setting that is not written as `Environment.<NAME>`, and a look at the environment
past `runtime/settings.py`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from headway_cdk.resources import LANE
from headway_lane.runtime.names import Environment

PACKAGE = LANE.name
SETTINGS = f"{PACKAGE}.runtime.settings"
NAMES = f"{PACKAGE}.runtime.names"
Place = tuple[str, str]
"""A module, and a name at its top level."""


@dataclass(frozen=True)
class Source:
    """One module: what stands at its top level, and what its imports bring, as a module or as a place in one."""

    name: str
    defined: Mapping[str, ast.stmt]
    imported: Mapping[str, str | Place]


def settings_read(handler: str) -> set[Environment]:
    """Return the settings that a Lambda handler such as `headway_lane.caller.handler.call` may read."""
    module, _, name = handler.rpartition(".")
    if name not in source(module).defined:
        raise AssertionError(f"{handler} is no function")
    found: set[Environment] = set()
    seen: set[Place] = set()
    waiting: list[Place] = [(module, name)]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        if place[0] == NAMES and place[1] in Environment.__members__:
            found.add(Environment[place[1]])
        elif place[0] not in (SETTINGS, NAMES):
            waiting += used(*place)
    return found


def used(module: str, name: str) -> Iterator[Place]:
    """Yield the places that a name at the top level of a module uses, or comes from."""
    here = source(module)
    brought = here.imported.get(name)
    if isinstance(brought, tuple):
        yield brought
    elif brought:
        yield from everything(brought)
    if name not in here.defined:
        return
    inside = list(ast.walk(here.defined[name]))
    owners = {node.value for node in inside if isinstance(node, ast.Attribute)}
    for node in inside:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from attribute(here, node.value.id, node.attr)
        elif isinstance(node, ast.Name):
            place = here.imported.get(node.id, (module, node.id))
            if isinstance(place, tuple):
                if place == (NAMES, "Environment") and node not in owners:
                    raise AssertionError(f"{module} line {node.lineno}: a setting that is not named here")
                yield place
            elif node not in owners:
                yield from everything(place)


def attribute(here: Source, owner: str, name: str) -> Iterator[Place]:
    """Yield the place that `owner.name` means, where the owner is a module or the list of settings."""
    place = here.imported.get(owner)
    if place == (NAMES, "Environment"):
        yield NAMES, name
    elif isinstance(place, str):
        yield place, name


def everything(module: str) -> Iterator[Place]:
    """Yield every place in a module that is used as a whole."""
    return ((module, name) for name in source(module).defined)


@cache
def source(module: str) -> Source:
    """Read a module of the package; every other one is empty."""
    if not is_module(module):
        return Source(module, {}, {})
    path = LANE.parent / f"{module.replace('.', '/')}.py"
    tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_text())
    defined: dict[str, ast.stmt] = {}
    imported: dict[str, str | Place] = {}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            defined |= dict.fromkeys(names, statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert not [alias for alias in node.names if is_module(alias.name)], f"{module}: import names from modules"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                imported[alias.asname or alias.name] = whole if is_module(whole) else (str(node.module), alias.name)
        elif isinstance(node, ast.Attribute | ast.Name) and module != SETTINGS:
            word = node.attr if isinstance(node, ast.Attribute) else node.id
            assert word not in ("environ", "getenv"), f"{module} line {node.lineno}: read {SETTINGS} instead"
            hidden = isinstance(node, ast.Attribute) and node.attr == "Environment"
            assert not hidden, f"{module} line {node.lineno}: import `Environment` by its name"
    return Source(module, defined, imported)


def is_module(name: str) -> bool:
    """Tell whether a dotted name is a module of the package."""
    path = LANE.parent / name.replace(".", "/")
    return name.partition(".")[0] == PACKAGE and (path.is_dir() or path.with_suffix(".py").exists())
