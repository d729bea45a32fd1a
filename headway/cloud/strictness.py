"""Which of AWS's refusals the embedded cloud makes: all, but for those that are switched off by name, to compare.

A refusal is one file of `strict/`, whose name is the switch; it says in its docstring what AWS does. A new one is
found by being there. HEADWAY_LENIENT carries the names into the server's process.
"""

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from headway.cloud import strict
from headway.errors import UsageProblem

LENIENT_VARIABLE: Final = "HEADWAY_LENIENT"
"""Environment variable: names of refusals that are left out, with commas between them; or `all`."""
ALL: Final = "all"


def modules_of(package: ModuleType) -> tuple[str, ...]:
    """Return the names of a folder's modules, sorted, without those that the others share; none is imported."""
    return tuple(sorted(module.name for module in iter_modules(package.__path__) if not module.name.startswith("_")))


def refusals() -> tuple[str, ...]:
    """Return the names of all refusals, sorted."""
    return modules_of(strict)


def left_out(words: str) -> frozenset[str]:
    """Return the refusals that `words`, the variable's value, leaves out. Raises UsageProblem for an unknown one."""
    named = {name for word in words.split(",") if (name := word.strip())}
    known = refusals()
    if unknown := sorted(named - {*known, ALL}):
        raise UsageProblem(
            f"{LENIENT_VARIABLE}: the embedded cloud has no refusal {', '.join(unknown)}; "
            f"there is {ALL}, or {', '.join(known)}"
        )
    return frozenset(known if ALL in named else named)


def apply(package: ModuleType, lenient: Collection[str] = ()) -> None:
    """Patch the emulator with every module of a folder that is not named in `lenient`, in the order of their names."""
    for name in modules_of(package):
        if name not in lenient:
            import_module(f"{package.__name__}.{name}").apply()
