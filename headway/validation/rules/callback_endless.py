"""A callback does not wait for ever."""

from collections.abc import Iterator

from headway.asl.model import State
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

LIMITS = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")


def check(subject: Subject) -> Iterator[Hit]:
    """Find callback tasks and activities that nothing ends: neither their own limits nor the machine's."""
    if "TimeoutSeconds" in subject.document:
        return
    for state in subject.tasks:
        if not any(name in state.fields for name in LIMITS):
            if state.waits_for_token:
                yield Hit(state.path, f"`{state.name}` waits for ever for a callback that does not come")
            elif is_activity(state):
                why = f"`{state.name}` waits for ever where no worker takes the activity"
                yield Hit(state.path, why, severity=Severity.WARNING)


def is_activity(state: State) -> bool:
    """Tell whether a task is left to a worker."""
    return ":activity:" in state.resource


RULE = LintRule(
    id="callback-endless",
    severity=Severity.ERROR,
    title="A callback task has neither timeout nor heartbeat",
    why="A callback that is lost leaves the execution hanging for a year, and holds what it holds.",
    fix="set `TimeoutSeconds`, and a shorter `HeartbeatSeconds`",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  End: true
""",
        """
Each:
  Type: Map
  ItemProcessor:
    StartAt: Ask
    States:
      Ask:
        Type: Task
        Resource: arn:aws:states:::lambda:invoke.waitForTaskToken
        Arguments: {FunctionName: "${Function}", Payload: {task_token: "{% $states.context.Task.Token %}"}}
        End: true
  End: true
""",
    ),
    right=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: "${Limit}"
  HeartbeatSeconds: "${Sign}"
  Catch: [{ErrorEquals: [States.Timeout], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
    ),
)
