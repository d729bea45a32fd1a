"""What the kit wants of an interpreter of state machines, and what an interpreter asks of the world around it."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

ACCOUNT_ID: Final = "000000000000"
REGION: Final = "us-east-1"
ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT_ID}:role/machine"
RUNNING: Final = "RUNNING"
INVOKING: Final = "lambda:invoke"
CALLBACK: Final = ".waitForTaskToken"
DEAD_TOKEN: Final = "TaskTimedOut"  # noqa: S105 - an error's name
_OPTIMIZED: Final = "arn:aws:states:::"


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One call of a task: what a state asks a service for. `token` is that of a callback task, else None."""

    execution_arn: str
    machine: str
    state: str
    resource: str
    arguments: Any
    token: str | None = None

    @property
    def action(self) -> str:
        """Return `sqs:sendMessage`, `aws-sdk:s3:putObject` and the like; of a function's ARN `lambda:invoke`."""
        if ":function:" in self.resource:
            return INVOKING
        return self.resource.removeprefix(_OPTIMIZED).partition(".")[0]


class TaskFailure(Exception):  # noqa: N818 - named as Step Functions does: TaskFailed
    """What was asked for failed: the names that a Retry or Catch sees."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class RequestRefused(Exception):  # noqa: N818
    """An interpreter refuses what it was asked by its API: `code` is AWS's, or the interpreter's own."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


World = Callable[[TaskCall], Any]
"""Answers a task's call with its result, in its time on the virtual clock. Raises TaskFailure."""


@dataclass(frozen=True, slots=True)
class ExecutionOutcome:
    """How an execution stands; `stopped` is the moment of its end, a datetime or a text in ISO 8601."""

    status: str
    output: Any = None
    error: str | None = None
    cause: str | None = None
    stopped: datetime | str | None = None


class Interpreter(Protocol):
    """Runs state machines on a virtual clock. All of it is called in something that may wait."""

    @property
    def name(self) -> str:
        """What tests are called by."""
        ...

    def create(self, name: str, definition: Mapping[str, Any]) -> str:
        """Make a machine and return its ARN. Raises RequestRefused for a definition that is none."""
        ...

    def start(self, machine_arn: str, name: str, text: str) -> str:
        """Start an execution and return its ARN."""
        ...

    def settle(self, word: str, token: str, **words: str) -> None:
        """Answer a task token: `success`, `failure` or `heartbeat`. Raises RequestRefused where nobody waits on it."""
        ...

    def stop(self, execution_arn: str) -> None:
        """Stop an execution."""
        ...

    def redrive(self, execution_arn: str) -> None:
        """Let an execution that has failed go on. Raises RequestRefused where that is not possible."""
        ...

    def outcome(self, execution_arn: str) -> ExecutionOutcome:
        """Return how an execution stands."""
        ...

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        """Return the events of an execution in the form of GetExecutionHistory."""
        ...


def arn_of(resource: str) -> str:
    """Return the ARN of a machine or an execution: `stateMachine:order`, `execution:order:1`."""
    return f"arn:aws:states:{REGION}:{ACCOUNT_ID}:{resource}"


def plain(value: Any) -> Any:
    """Return an argument as the author wrote it: what travels as text or bytes of JSON is read."""
    if isinstance(value, bytes | str):
        with suppress(ValueError):
            return json.loads(value)
    return value
