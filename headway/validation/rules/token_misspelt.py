"""The task token is called by its name."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.tokens import Mention, mentions


def check(subject: Subject) -> Iterator[Hit]:
    """Find what was meant to be the token, and is none."""
    for state in subject.tasks:
        for one in mentions(state):
            if one.mention is Mention.MISSPELT:
                yield Hit(one.path, f"`{one.text}` is no task token")


RULE = LintRule(
    id="token-misspelt",
    severity=Severity.ERROR,
    title="The task token is misspelt",
    why="What goes out is no token, or the state fails; nobody can resume the task.",
    fix="write `$states.context.Task.Token` (JSONPath: `$$.Task.Token`)",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.token %}"}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.TaskToken %}"}}
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
  Parameters: {QueueUrl: "${Queue}", MessageBody: {task_token.$: $$.Task.Tokn}}
  TimeoutSeconds: 600
  HeartbeatSeconds: 300
  Catch: [{ErrorEquals: [States.ALL], Next: Failed}]
  End: true
Failed: {Type: Fail}
""".lstrip(),
        """
# JSONPath
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Parameters: {QueueUrl: "${Queue}", MessageBody: {task_token.$: $.Task.Token}}
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
