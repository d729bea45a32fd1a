"""TimeoutSeconds of a machine ends its executions as TIMED_OUT, and tasks may compute theirs.

AWS: Developer Guide, "State machine structure": an execution that runs longer than TimeoutSeconds fails with
States.Timeout. Its history ends with ExecutionTimedOut; DescribeExecution has neither error nor cause (recorded in
floci-io/floci issue 2733). "Task state fields": TimeoutSecondsPath, and JSONata in TimeoutSeconds. ministack knows only
numbers, and those of tasks alone. One thread watches all executions that have a limit.
"""

import heapq
import threading
import time
from collections.abc import Mapping
from itertools import count
from typing import Any

from headway.cloud.patches import executions, tasks
from headway.cloud.patches.executions import Run
from headway.cloud.strict._seconds import seconds_of

TIMED_OUT = "TIMED_OUT"


class Watch:
    """Ends runs when their time is up; its thread starts with the first of them."""

    def __init__(self) -> None:
        self._limits: list[tuple[float, int, Run]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, run: Run, seconds: float) -> None:
        """Give a run `seconds` from now."""
        with self._changed:
            heapq.heappush(self._limits, (time.monotonic() + seconds, next(self._numbers), run))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True, name="execution time limits")
                self._thread.start()
            if self._limits[0][2] is run:
                self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._limits or self._limits[0][0] > time.monotonic():
                    self._changed.wait(self._limits[0][0] - time.monotonic() if self._limits else None)
                _, _, run = heapq.heappop(self._limits)
            run.in_its_context(time_out, run)


def time_out(run: Run) -> None:
    """End a run as AWS does when its time is up."""
    details = {"executionTimedOutEventDetails": {"error": tasks.TIMEOUT}}
    executions.end(run, TIMED_OUT, "ExecutionTimedOut", details)


def apply() -> None:
    """Give every run of a machine with a limit its own, and let tasks compute theirs."""
    watch, begun = Watch(), executions.begun

    def begun_with_limit(run: Run, definition: Mapping[str, Any]) -> None:
        begun(run, definition)
        limit_s = definition.get("TimeoutSeconds")
        if isinstance(limit_s, int | float):
            watch.add(run, limit_s)

    def timeout_s_of(state: Mapping[str, Any], data: Any, context: dict[str, Any]) -> float | None:
        return seconds_of("TimeoutSeconds", state, data, context)

    executions.begun = begun_with_limit
    tasks.timeout_s_of = timeout_s_of
