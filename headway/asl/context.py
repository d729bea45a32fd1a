"""The Context object of an execution ("Accessing execution data from the Context object" in the developer guide)."""

from difflib import get_close_matches
from typing import Final

_ANY: Final = "*"
FIELDS: Final = frozenset(
    {
        *(("Execution", name) for name in ("Id", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime")),
        ("Execution", "Input", _ANY),
        *(("State", name) for name in ("EnteredTime", "Name", "RetryCount")),
        *(("StateMachine", name) for name in ("Id", "Name")),
        ("Task", "Token"),
        *(("Map", "Item", name) for name in ("Index", "Key", "Source")),
        ("Map", "Item", "Value", _ANY),
    }
)
"""Paths of its fields; `*` where the data of the execution begins."""
TOKEN: Final = ("Task", "Token")


def is_there(names: tuple[str, ...]) -> bool:
    """Tell whether the object, or a part of a field's path, has these names."""
    for known in FIELDS:
        if known[: len(names)] == names:
            return True
        if known[-1] == _ANY and names[: len(known) - 1] == known[:-1]:
            return True
    return False


def nearest(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the field whose name is most like these."""
    plain = {".".join(known).removesuffix(f".{_ANY}").lower(): known for known in FIELDS}
    found = get_close_matches(".".join(names).lower(), plain, n=1, cutoff=0.6)
    return tuple(name for name in plain[found[0]] if name != _ANY) if found else None


def is_token_misspelt(names: tuple[str, ...]) -> bool:
    """Tell whether names that are not there were meant to be the task token's."""
    return not is_there(names) and nearest(names) == TOKEN
