"""Ways to wait for what another process does: one question, asked again until its answer is the wanted one."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 60.0
LONG_PATIENCE_S = 300.0
"""For a whole backlog."""
T = TypeVar("T")


def until(look: Callable[[], T | bool | None], patience_s: float = PATIENCE_S) -> T:
    """Look again and again until there is something; AssertionError when patience ends."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found  # type: ignore[return-value]
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def await_count(count_of: Callable[[], int], wanted_count: int, what: str, pause_s: float = 0.2) -> None:
    """Count again every `pause_s` until there are so many; TimeoutError after LONG_PATIENCE_S."""
    deadline_s = time.monotonic() + LONG_PATIENCE_S
    while (count := count_of()) < wanted_count:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: {count} of {wanted_count} after {LONG_PATIENCE_S:g} s")
        time.sleep(pause_s)
