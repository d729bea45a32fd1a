"""What is bound for machines is used by one: `templates` and `projects` find what is not."""

from headway.validation.finding import Severity
from headway.validation.rule import LintRule, no_check

_TEMPLATE = """
Resources:
  Order:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionSubstitutions: {{{names}}}
      Definition:
        StartAt: Ask
        States:
          Ask:
            Type: Task
            Resource: arn:aws:states:::sqs:sendMessage
            Parameters: {{QueueUrl: "${{Queue}}", MessageBody: a}}
            End: true
"""

RULE = LintRule(
    id="unused-placeholder",
    severity=Severity.WARNING,
    title="What is bound for placeholders is used by no machine",
    why="It is a leftover, or the machine names another one than was meant.",
    fix="use it as `${Name}`, or remove it",
    check=no_check,
    broken=(
        _TEMPLATE.format(names="Queue: !Ref Orders, Topic: !Ref News"),
        _TEMPLATE.format(names="Queue: !Ref Orders, Queues: !Ref Orders"),
    ),
    right=(_TEMPLATE.format(names="Queue: !Ref Orders"),),
)
