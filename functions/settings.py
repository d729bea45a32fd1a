"""Typed access to a function's environment; read by handlers when a worker starts its first invocation."""

import os

from functions.names import Environment


def setting(name: Environment) -> str:
    """Return an environment variable; RuntimeError names it where the stack did not bind it."""
    value = os.environ.get(name)
    if value is None:
        raise RuntimeError(f"the environment variable {name} is not set: the stack has to bind it")
    return value
