"""`States.ALL` stands alone, and at the end."""

from collections.abc import Iterator

from headway.asl.state_form import CATCH_ALL_FIRST
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find handlers behind one of all errors, and errors beside it."""
    for path, one in subject.form:
        if one.message == CATCH_ALL_FIRST:
            yield Hit(path, "`States.ALL` stands beside another error, or another handler stands behind it")


RULE = LintRule(
    id="states-all-last",
    severity=Severity.ERROR,
    title="`States.ALL` is not alone, or not the last",
    why="It takes all errors, so what stands beside or behind it is never reached, and Step Functions refuses it.",
    fix="give `States.ALL` a handler of its own, and make it the last",
    check=check,
    broken=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Retry:
    - {ErrorEquals: [States.ALL], MaxAttempts: 2}
    - {ErrorEquals: [Lambda.Unknown], MaxAttempts: 2}
  End: true
""",
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Catch: [{ErrorEquals: [States.ALL, States.Timeout], Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
    ),
    right=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Retry:
    - {ErrorEquals: [Lambda.Unknown], MaxAttempts: 2}
    - {ErrorEquals: [States.ALL], MaxAttempts: 2}
  End: true
""",
    ),
)
