"""Who waits for a call: an opaque handle, which travels with the request and lies in the ledger until the call is over.

The field of the message says which kind of waiter it is; from there on the handle says it by itself, and only the file
in `resume/` that writes to this kind knows what the rest means. Whoever holds a handle can answer in the vendor's name,
so it is never logged and never part of a `repr`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NewType

from headway_lane.runtime.errors import Malformed

Waiter = NewType("Waiter", str)


class WaiterKind(StrEnum):
    """Kinds of waiters, each by the field of a message that names one."""

    TASK_TOKEN = "task_token"  # noqa: S105 - a name
    """A callback task of a Step Functions workflow. Its handle is the token itself."""
    CALLBACK_ID = "callback_id"
    """A callback of an AWS Lambda durable function."""


_MARKED: Final = tuple(kind for kind in WaiterKind if kind is not WaiterKind.TASK_TOKEN)
"""Kinds whose handles begin with a mark of ours: the kind and a colon, which no token of Step Functions has."""


def waiter_in(document: Mapping[str, Any]) -> Waiter:
    """Return who waits for a message; Malformed unless exactly one field names somebody."""
    named = [kind for kind in WaiterKind if document.get(kind) is not None]
    if not named:
        raise Malformed(f"{_fields()} must be a non-empty string")
    if len(named) > 1:
        raise Malformed(f"{_fields()} must be left out: one message has one waiter")
    [kind] = named
    value = document.get(kind)
    if not isinstance(value, str) or not value:
        raise Malformed(f"`{kind}` must be a non-empty string")
    return waiter_of_kind(kind, value)


def waiter_of_kind(kind: WaiterKind, handle: str) -> Waiter:
    """Return the waiter whom AWS knows by `handle`."""
    return Waiter(f"{kind}:{handle}" if kind in _MARKED else handle)


def kind_of(waiter: Waiter) -> WaiterKind:
    """Return which kind of waiter it is."""
    mark, separator, _ = waiter.partition(":")
    return WaiterKind(mark) if separator and mark in _MARKED else WaiterKind.TASK_TOKEN


def handle_of(waiter: Waiter) -> str:
    """Return what AWS knows the waiter by."""
    kind = kind_of(waiter)
    return waiter.removeprefix(f"{kind}:") if kind in _MARKED else waiter


def field_of(waiter: Waiter) -> Mapping[str, str]:
    """Return the field that `waiter_in` reads."""
    return {kind_of(waiter): handle_of(waiter)}


def _fields() -> str:
    return " or ".join(f"`{kind}`" for kind in WaiterKind)
