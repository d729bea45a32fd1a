"""A machine that was started by another and has failed fails that one's task with States.TaskFailed.

AWS: Developer Guide, "Start workflow executions from a Task state" and LocalStack's recorded histories: the error is
States.TaskFailed, and the cause is what DescribeExecution tells of the child, its own error and cause among it.
ministack gives the child's error to the task, so that a Catch by that name would work here and nowhere else.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import stepfunctions as sfn

TASK_FAILED: Final = "States.TaskFailed"
TOLD: Final = (
    "cause",
    "error",
    "executionArn",
    "input",
    "inputDetails",
    "name",
    "startDate",
    "stateMachineArn",
    "status",
    "stopDate",
)
"""In the order in which AWS writes them."""


def failure_of(child: Mapping[str, Any]) -> tuple[str, str]:
    """Return error and cause of the task whose child has failed."""
    told = {f"{name[0].upper()}{name[1:]}": child[name] for name in TOLD if child.get(name)}
    return TASK_FAILED, json.dumps(told, separators=(",", ":"))


def apply() -> None:
    """Replace what ministack tells of a child."""
    sfn._nested_execution_failure = failure_of
