"""The task token is read in the query language of its state."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.tokens import Mention, mentions


def check(subject: Subject) -> Iterator[Hit]:
    """Find tokens in the other query language."""
    for state in subject.tasks:
        for one in mentions(state):
            if one.mention is Mention.OTHER_LANGUAGE:
                yield Hit(one.path, f"`{one.text}` is of the other query language")


RULE = LintRule(
    id="token-language",
    severity=Severity.ERROR,
    title="The task token is read in the other query language",
    why="The words go out as they are, or the state fails: no token reaches anybody.",
    fix="write `{% $states.context.Task.Token %}` in a JSONata state, `$$.Task.Token` under a key with `.$` in another",
    check=check,
    broken=(
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::sqs:sendMessage.waitForTaskToken
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token.$: $$.Task.Token}}
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
  Arguments: {QueueUrl: "${Queue}", MessageBody: {task_token: $$.Task.Token}}
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
  Parameters: {QueueUrl: "${Queue}", MessageBody: {task_token: "{% $states.context.Task.Token %}"}}
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
