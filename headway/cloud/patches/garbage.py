"""Garbage is collected in small pieces: nobody waits for a collection of everything.

A request leaves hundreds of objects that only a collection finds: ministack's checks of expressions are functions that
know each other. Without one a call leaves 60 KB for good. A collection of everything goes through all that is kept, and
stops all requests meanwhile, 60 to 400 ms: a call would meet jitter that is the laptop's own.

So what has outlived one full collection is never looked at again (`gc.freeze`): a full one goes through what was made
since the one before. Objects of that which become garbage in a circle later stay: those that were in use at the moment
of a full collection, one in half a million.
"""

import gc
from typing import Any, Final

THRESHOLDS: Final = (1_000, 10, 50)
"""Python's: new objects until the youngest are collected, such collections until the next generation is, and such until
a full one. The first two take 0.2 and 2 ms at most; there are 25 s at least between full ones while 30 calls/s run.
"""
FULL: Final = 2
"""The oldest generation."""


def keep_what_stays(phase: str, info: dict[str, Any]) -> None:
    """Hear of a collection; after a full one leave what it found alive out of all others."""
    if phase == "stop" and info["generation"] == FULL:
        gc.freeze()


def apply() -> None:
    """Collect so in this process, from what is loaded now on."""
    gc.collect()
    gc.freeze()
    gc.callbacks.append(keep_what_stays)
    gc.set_threshold(*THRESHOLDS)
