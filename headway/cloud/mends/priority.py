"""The services have precedence over the functions, and do not stop to tidy up; AWS runs both on machines of their own.

On a laptop's two cores a function that starts would hold up every request of every other, and a full collection of
garbage everybody for a quarter of a second: a call would meet jitter that is the laptop's own.
"""

import gc
import os
import sys
from typing import Any, Final

from ministack.core.lambda_runtime import Worker

NICENESS: Final = 10
"""Half of the way to the lowest priority: functions get a tenth of what a service gets, while both want the core."""
COLLECT_AFTER: Final = (50_000, 20, 50)
"""Allocations to a young, young to a middle, and middle to a full collection; Python's own are 700, 10 and 10."""
SWITCH_S: Final = 0.0005
"""How long a thread that runs a workflow may keep the one that answers requests waiting; Python's own are 5 ms."""


def mend() -> None:
    """Let every worker that starts yield, and spare what is loaded by now from being looked through."""
    spawn = Worker._spawn

    def spawn_and_yield(worker: Any) -> None:
        spawn(worker)
        os.setpriority(os.PRIO_PROCESS, worker._proc.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)

    Worker._spawn = spawn_and_yield
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
