"""Step Functions on a virtual clock, as far as the lane asks it: tasks that wait for their token and end by heartbeat
or timeout, and starts of `dispatch_call`.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from headway.testing.virtual_threads import VirtualThreads


class VirtualTasks:
    """Waiting tasks of one lane, by token, as a client. `pause` is what a request takes, `started` is told the input of
    each execution that is started.
    """

    def __init__(
        self,
        heartbeat_s: int,
        timeout_s: int,
        threads: VirtualThreads,
        pause: Callable[[], None],
        started: Callable[[dict[str, Any]], None],
    ) -> None:
        self._heartbeat_us, self._timeout_us = heartbeat_s * 1_000_000, timeout_s * 1_000_000
        self._threads = threads
        self._pause = pause
        self._started = started
        self._ends_us: dict[str, tuple[int, int]] = {}

    def wait(self, token: str) -> None:
        """Let a task begin to wait."""
        now_us = self._threads.now_us
        self._ends_us[token] = now_us + self._heartbeat_us, now_us + self._timeout_us

    def waits(self, token: str) -> bool:
        """Return whether a task waits now."""
        return self._threads.now_us < min(self._ends_us[token])

    def send_task_heartbeat(self, *, taskToken: str) -> None:  # noqa: N803
        """Let a task wait anew, but not beyond its timeout."""
        self._pause()
        if not self.waits(taskToken):
            answer: Any = {"Error": {"Code": "TaskTimedOut", "Message": "as AWS would say"}}
            raise ClientError(answer, "SendTaskHeartbeat")
        self._ends_us[taskToken] = self._threads.now_us + self._heartbeat_us, self._ends_us[taskToken][1]

    def start_execution(self, *, stateMachineArn: str, input: str) -> None:  # noqa: A002, N803
        """Start `dispatch_call`."""
        del stateMachineArn
        self._pause()
        self._started(json.loads(input))
