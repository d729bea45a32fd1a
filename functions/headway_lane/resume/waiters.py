"""The way to those who wait for calls, whatever kind they are of. Each kind is one file beside this one."""

from collections.abc import Mapping
from typing import Any, Protocol

from headway_lane.messages.waiter import Waiter, WaiterKind, kind_of


class Waiters(Protocol):
    """Tells waiters how their calls go. Each method returns False where nobody waits any more, and raises the client's
    own error where nobody knows: then it may be repeated.
    """

    def succeed(self, waiter: Waiter, output: Mapping[str, Any]) -> bool:
        """End the wait with a JSON object."""
        ...

    def fail(self, waiter: Waiter, code: str, cause: str) -> bool:
        """End the wait with an error's name and its cause, of any length."""
        ...

    def beat(self, waiter: Waiter) -> bool:
        """Say that the call is alive, so that the wait goes on."""
        ...


class EveryKind:
    """Waiters of every kind, each told in the way of its own kind."""

    def __init__(self, ways: Mapping[WaiterKind, Waiters]) -> None:
        self._ways = ways

    def succeed(self, waiter: Waiter, output: Mapping[str, Any]) -> bool:
        """End the wait with a JSON object."""
        return self._ways[kind_of(waiter)].succeed(waiter, output)

    def fail(self, waiter: Waiter, code: str, cause: str) -> bool:
        """End the wait with an error's name and its cause."""
        return self._ways[kind_of(waiter)].fail(waiter, code, cause)

    def beat(self, waiter: Waiter) -> bool:
        """Say that the call is alive."""
        return self._ways[kind_of(waiter)].beat(waiter)
