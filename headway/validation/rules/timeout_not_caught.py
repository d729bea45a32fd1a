"""A callback that does not come is somebody's business."""

from collections.abc import Iterator

from headway.asl.model import State
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.rules.callback_endless import LIMITS
from headway.validation.subject import Subject

TIMEOUTS = frozenset({"States.ALL", "States.Timeout", "States.HeartbeatTimeout"})
"""Errors by which a timeout is caught; `States.TaskFailed` is every error but that."""


def check(subject: Subject) -> Iterator[Hit]:
    """Find callback tasks with a limit whose timeout nothing catches or repeats, nor what they are in."""
    for state in subject.tasks:
        if state.waits_for_token and any(name in state.fields for name in LIMITS) and not _is_handled(state):
            yield Hit(
                state.path, f"nothing catches the timeout of `{state.name}`: the execution fails with States.Timeout"
            )


def _is_handled(state: State) -> bool:
    for name in ("Catch", "Retry"):
        for _, handler in state.handlers(name):
            errors = handler.get("ErrorEquals")
            if isinstance(errors, list) and TIMEOUTS & {error for error in errors if isinstance(error, str)}:
                return True
    owner = state.scope.owner
    return owner is not None and _is_handled(owner)


RULE = LintRule(
    id="timeout-not-caught",
    severity=Severity.WARNING,
    title="The timeout of a callback task is neither caught nor meant",
    why="A callback that is lost or late fails the whole execution; `States.TaskFailed` does not catch a timeout.",
    fix="catch `States.Timeout` or `States.ALL`, or say in the Comment why the execution is to fail",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  End: true
""",
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.TaskFailed], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
    ),
    right=(
        """
Ask:
  Comment: "headway: ignore timeout-not-caught: a redrive repeats the task that failed"
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  End: true
""",
    ),
)
