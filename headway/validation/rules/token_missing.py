"""A task that waits for its token to come back hands it out."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.tokens import mentions


def check(subject: Subject) -> Iterator[Hit]:
    """Find callback tasks without the token, or what was meant to be it, in their arguments."""
    for state in subject.tasks:
        if state.waits_for_token and not any(mentions(state)):
            yield Hit((*state.path, "Resource"), f"`{state.name}` waits for its task token, and hands it to nobody")


RULE = LintRule(
    id="token-missing",
    severity=Severity.ERROR,
    title="A callback task does not hand out its task token",
    why="Nobody can resume the task: it waits until its timeout, or for a year.",
    fix="put `{% $states.context.Task.Token %}` (JSONPath: `$$.Task.Token` under a key with `.$`) into what is sent",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {payload: "{% $states.input.payload %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
        """
# JSONPath
Ask:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke.waitForTaskToken
  Parameters: {FunctionName: "${Function}", Payload: {order.$: $.order}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""".lstrip(),
    ),
    right=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
    ),
)
