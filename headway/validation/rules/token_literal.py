"""The task token is read, and not written as a text."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.tokens import Mention, mentions


def check(subject: Subject) -> Iterator[Hit]:
    """Find texts that look like the token."""
    for state in subject.tasks:
        for one in mentions(state):
            if one.mention is Mention.LITERAL:
                yield Hit(one.path, f"`{one.text}` is a text here, and no token")


RULE = LintRule(
    id="token-literal",
    severity=Severity.ERROR,
    title="The task token is a text that nobody reads",
    why="The words go out as they are, and no token with them.",
    fix="write `{% $states.context.Task.Token %}`, or a key that ends with `.$` in a JSONPath state",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: $states.context.Task.Token}}
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
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Parameters: {QueueUrl: "${Queue}", MessageBody: {task_token: $$.Task.Token}}
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
        """
# JSONPath
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Parameters: {QueueUrl: "${Queue}", MessageBody: {task_token.$: $$.Task.Token}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""".lstrip(),
    ),
)
