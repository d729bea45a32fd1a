"""A callback task notices soon that nobody is at work."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.rules.callback_endless import is_activity
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find callback tasks and activities with a limit and without a heartbeat."""
    limited = "TimeoutSeconds" in subject.document
    for state in subject.tasks:
        waits = state.waits_for_token or is_activity(state)
        ends = limited or {"TimeoutSeconds", "TimeoutSecondsPath"} & state.fields.keys()
        if waits and ends and not {"HeartbeatSeconds", "HeartbeatSecondsPath"} & state.fields.keys():
            yield Hit(state.path, f"`{state.name}` waits its whole time for somebody who has died")


RULE = LintRule(
    id="callback-no-heartbeat",
    severity=Severity.WARNING,
    title="A callback task has no heartbeat",
    why="That nobody is at work any more shows only when the whole timeout is over.",
    fix="set `HeartbeatSeconds`, shorter than `TimeoutSeconds`, and let whoever works send heartbeats",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 86400
  Catch: [{ErrorEquals: [States.Timeout], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
        """
Work:
  Type: Task
  Resource: arn:aws:states:eu-west-1:123456789012:activity:work
  TimeoutSeconds: 86400
  End: true
""",
    ),
    right=(
        """
Work:
  Type: Task
  Resource: arn:aws:states:eu-west-1:123456789012:activity:work
  TimeoutSeconds: 86400
  HeartbeatSeconds: 60
  End: true
""",
    ),
)
