"""How a tuning is deployed: a word of the command line, which needs no more than this of it."""

from enum import StrEnum


class Strategy(StrEnum):
    """How a tuning comes to the functions: over some minutes and watched, or at once."""

    GRADUAL = "gradual"
    NOW = "now"
