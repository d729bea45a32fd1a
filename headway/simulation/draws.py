"""Random times of a simulation: a seeded generator in, functions that draw whole microseconds out."""

import math
from collections.abc import Callable
from random import Random
from typing import Final

from headway.simulation.spread import Shape

Draw = Callable[[], int]
JITTER_MEANS: Final = 3
"""An exponential jitter is cut off at this many of its means."""


def jitter(random: Random, bound_us: int, shape: Shape) -> Draw:
    """Return draws from [0, bound_us]."""
    if shape is Shape.UNIFORM:
        draw, span = random.random, bound_us + 1
        return lambda: int(draw() * span)
    mean_us, log, draw = bound_us / JITTER_MEANS, math.log, random.random
    kept = 1 - math.exp(-JITTER_MEANS)  # the inverse of the distribution, given that the bound is kept
    return lambda: int(-mean_us * log(1 - draw() * kept))


def exponential(random: Random, mean_us: int) -> Draw:
    """Return draws with a mean and no bound."""
    draw, log = random.random, math.log
    return lambda: int(-mean_us * log(1 - draw()))


def fixed(time_us: int) -> Draw:
    """Return always the same."""
    return lambda: time_us
