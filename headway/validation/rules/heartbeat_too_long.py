"""A heartbeat is shorter than the timeout."""

from collections.abc import Iterator

from headway.asl.placeholders import is_unknown
from headway.asl.state_form import HEARTBEAT_TOO_LONG
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_PAIRS = (("HeartbeatSeconds", "TimeoutSeconds"), ("HeartbeatSecondsPath", "TimeoutSecondsPath"))


def check(subject: Subject) -> Iterator[Hit]:
    """Find heartbeats that are as long as the timeout, or longer; the same text in both is the same time."""
    for path, one in subject.form:
        if one.message == HEARTBEAT_TOO_LONG:
            yield Hit(path, one.message)
    for state in subject.tasks:
        for heartbeat, timeout in (
            ("HeartbeatSeconds", "TimeoutSeconds"),
            ("HeartbeatSecondsPath", "TimeoutSecondsPath"),
        ):
            both = state.fields.get(heartbeat), state.fields.get(timeout)
            if isinstance(both[0], str) and both[0] == both[1]:
                severity = Severity.WARNING if is_unknown(both[0]) else None
                yield Hit((*state.path, heartbeat), "heartbeat and timeout are the same", severity=severity)


RULE = LintRule(
    id="heartbeat-too-long",
    severity=Severity.ERROR,
    title="A heartbeat is not shorter than the timeout",
    why="It can never be missed before the task is over; Step Functions refuses it where both are numbers.",
    fix="make `HeartbeatSeconds` smaller than `TimeoutSeconds`",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 600
  Catch: [{ErrorEquals: [States.Timeout], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
        """
# JSONPath
Work:
  Type: Task
  Resource: arn:aws:states:eu-west-1:123456789012:activity:work
  TimeoutSecondsPath: $.limit
  HeartbeatSecondsPath: $.limit
  End: true
""".lstrip(),
    ),
    right=(
        """
Work:
  Type: Task
  Resource: arn:aws:states:eu-west-1:123456789012:activity:work
  TimeoutSeconds: 600
  HeartbeatSeconds: "{% $states.input.sign %}"
  End: true
""",
    ),
)
