"""A scenario: something that happens to calls, step by step, in a few seconds."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, None]
"""Yields while it waits; ends when all has gone well, and raises AssertionError where it has not."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens on the lane of a vendor."""

    vendor_name: str
    name: str
    steps: Callable[[], Steps]


def until(look: Callable[[], T]) -> Generator[None, None, T]:
    """Look at each step until there is something, and return it; the time is its reader's."""
    while not (found := look()):
        yield
    return found
