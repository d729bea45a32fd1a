"""Step Functions' side of task tokens and starts on virtual time: one word ends a task, and heartbeats fire."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from botocore.awsrequest import AWSPreparedRequest

from tests.matrix.network import Response
from tests.matrix.wire import checked, refused
from tests.matrix.world import World

LARGEST_BYTES: Final = 262_144


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a task ended: with an output, or with an error."""

    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass(slots=True)
class Task:
    """A task that waits for its token."""

    token: str
    heartbeat_us: int | None
    times_out_us: int
    beat_us: int
    ended: Callable[[TaskEnd], None]
    end: TaskEnd | None = None
    ended_us: int | None = None

    @property
    def deadline_us(self) -> int:
        """When it ends by itself, as things are."""
        silent_us = self.times_out_us if self.heartbeat_us is None else self.beat_us + self.heartbeat_us
        return min(silent_us, self.times_out_us)


class StepFunctions:
    """Waiting tasks by token; `start` is what StartExecution does with a machine's ARN and input."""

    def __init__(self, world: World, start: Callable[[str, Any], str]) -> None:
        self._world = world
        self._start = start
        self._numbers = count(1)
        self.tasks: dict[str, Task] = {}

    def wait(self, heartbeat_s: float | None, timeout_s: float, ended: Callable[[TaskEnd], None]) -> str:
        """Let a task wait; returns its token, and tells how it ended."""
        now_us = self._world.now_us
        heartbeat_us = None if heartbeat_s is None else round(heartbeat_s * 1_000_000)
        token = f"task-token-{next(self._numbers)}-" + "x" * 100
        task = Task(token, heartbeat_us, now_us + round(timeout_s * 1_000_000), now_us, ended)
        self.tasks[token] = task
        self._watch(task)
        return token

    def _watch(self, task: Task) -> None:
        self._world.at(task.deadline_us, lambda: self._look(task))

    def _look(self, task: Task) -> None:
        """End a task that is over; one that had a heartbeat meanwhile is looked at later."""
        if task.end is None and not self._over(task):
            self._watch(task)

    def _over(self, task: Task) -> bool:
        if task.end is None and self._world.now_us >= task.deadline_us:
            timed_out = task.deadline_us == task.times_out_us
            self._finish(task, TaskEnd(error="States.Timeout" if timed_out else "States.HeartbeatTimeout", cause=""))
        return task.end is not None

    def _finish(self, task: Task, end: TaskEnd) -> None:
        task.end, task.ended_us = end, min(self._world.now_us, task.deadline_us)
        self._world.at(self._world.now_us, lambda: task.ended(end))

    def stop(self) -> None:
        """Let all waiting tasks be gone, as those of an execution that was stopped; nobody is told."""
        for task in self.tasks.values():
            if task.end is None:
                task.end, task.ended_us = TaskEnd(), self._world.now_us

    def __call__(self, operation: str, request: AWSPreparedRequest) -> Response:
        """Answer a request as Step Functions does."""
        asked = checked("stepfunctions", operation, request)
        if operation == "StartExecution":
            if len(asked["input"].encode()) > LARGEST_BYTES:
                return refused("ValidationException")
            arn = self._start(asked["stateMachineArn"], json.loads(asked["input"]))
            return _answer({"executionArn": arn, "startDate": self._world.now_s})
        task = self.tasks.get(asked["taskToken"])
        if task is None:
            return refused("InvalidToken")
        if self._over(task):
            return refused("TaskTimedOut")
        if operation == "SendTaskHeartbeat":
            task.beat_us = self._world.now_us
        else:
            self._finish(task, _end(operation, asked))
        return _answer({})


def _end(operation: str, asked: Mapping[str, Any]) -> TaskEnd:
    if operation == "SendTaskSuccess":
        assert len(asked["output"].encode()) <= LARGEST_BYTES
        return TaskEnd(output=json.loads(asked["output"]))
    assert operation == "SendTaskFailure", operation
    return TaskEnd(error=asked.get("error", ""), cause=asked.get("cause", ""))


def _answer(document: Any) -> Response:
    return 200, {}, json.dumps(document).encode()
