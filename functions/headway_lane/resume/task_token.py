"""Waiters that are tasks of a Step Functions workflow: the handle is the token of a callback task."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from headway_lane.messages import json_text
from headway_lane.messages.waiter import Waiter, handle_of
from headway_lane.runtime.causes import bounded

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

DEAD_TASK_CODES: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""One class of answers of SendTask*: nobody waits on this token any more. Never retried."""


class TaskTokens:
    """Waiting tasks, by their tokens; see `Waiters`."""

    def __init__(self, step_functions: "SFNClient") -> None:
        self._step_functions = step_functions

    def succeed(self, waiter: Waiter, output: Mapping[str, Any]) -> bool:
        """Resume a waiting task. False where nobody waits any more."""
        try:
            self._step_functions.send_task_success(taskToken=handle_of(waiter), output=json_text.write(output))
        except ClientError as error:
            return _dead(error)
        return True

    def fail(self, waiter: Waiter, code: str, cause: str) -> bool:
        """Fail a waiting task, with as much of the cause as it takes. False where nobody waits any more."""
        try:
            self._step_functions.send_task_failure(taskToken=handle_of(waiter), error=code, cause=bounded(cause))
        except ClientError as error:
            return _dead(error)
        return True

    def beat(self, waiter: Waiter) -> bool:
        """Restart the heartbeat clock of a waiting task. False where nobody waits any more."""
        try:
            self._step_functions.send_task_heartbeat(taskToken=handle_of(waiter))
        except ClientError as error:
            return _dead(error)
        return True


def _dead(error: ClientError) -> bool:
    """Return False for a dead token; raise everything else."""
    if error.response["Error"]["Code"] not in DEAD_TASK_CODES:
        raise error
    return False
