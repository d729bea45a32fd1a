"""How a random time is spread, and the largest count: what the command line needs to know of a simulation."""

from enum import StrEnum
from typing import Final

LARGEST_COUNT: Final = 1_000_000_000


class Shape(StrEnum):
    """How a random time is spread."""

    FIXED = "fixed"
    """Always the same."""
    UNIFORM = "uniform"
    """Anywhere from nothing to its bound."""
    EXPONENTIAL = "exponential"
    """Mostly short. A jitter has a third of its bound as mean, and is cut off at the bound."""
