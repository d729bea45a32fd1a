"""Typed access to a function's environment; read by handlers when a worker starts its first invocation."""

import os

from headway_lane.runtime.names import Environment


def bound(name: Environment) -> bool:
    """Tell whether the stack bound an environment variable that only some functions need."""
    return name in os.environ


def setting(name: Environment) -> str:
    """Return an environment variable; RuntimeError names it where the stack did not bind it."""
    value = os.environ.get(name)
    if value is None:
        raise RuntimeError(f"the environment variable {name} is not set: the stack has to bind it")
    return value
