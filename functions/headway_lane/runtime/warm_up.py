"""Starting workers before they are needed: an event that asks for nothing but to be held for a moment, so that as many
workers are started as such events are sent at one time (`headway run` sends them).
"""

from collections.abc import Mapping
from typing import Any, Final

WARM_UP: Final = "headway_warm_up_s"
LONGEST_WARM_UP_S: Final = 5.0
"""A worker is not held for longer, whatever the event says."""


def warm_up_s(event: Mapping[str, Any]) -> float | None:
    """Return for how long an event asks to be held, in seconds; None where it is no such event."""
    held_s = event.get(WARM_UP)
    return min(float(held_s), LONGEST_WARM_UP_S) if isinstance(held_s, int | float) else None
