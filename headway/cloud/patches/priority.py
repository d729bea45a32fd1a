"""The services have precedence over the functions; AWS runs both on machines of their own.

On a laptop's two cores a function that starts would hold up every request of every other.
"""

import os
import sys
from typing import Any, Final

from ministack.core.lambda_runtime import Worker

NICENESS: Final = 10
"""Half of the way to the lowest priority: functions get a tenth of what a service gets, while both want the core."""
SWITCH_S: Final = 0.0005
"""How long a thread that runs a workflow may keep the one that answers requests waiting; Python's own are 5 ms."""


def apply() -> None:
    """Let every worker that starts yield, and threads let go soon."""
    spawn = Worker._spawn

    def spawn_and_yield(worker: Any) -> None:
        spawn(worker)
        os.setpriority(os.PRIO_PROCESS, worker._proc.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)

    Worker._spawn = spawn_and_yield
    sys.setswitchinterval(SWITCH_S)
