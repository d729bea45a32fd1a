"""What fails again is not tried again."""

from collections.abc import Iterator
from typing import Final

from headway_lane.runtime.errors import ErrorCode

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

PERMANENT: Final = frozenset(
    {
        *(ErrorCode.REQUEST_MALFORMED, ErrorCode.VENDOR_REJECTED),
        *("States.Runtime", "States.DataLimitExceeded", "States.NoChoiceMatched", "States.ParameterPathFailure"),
        *("States.ResultPathMatchFailure", "States.IntrinsicFailure", "States.QueryEvaluationError"),
        *("States.Permissions", "DynamoDB.ConditionalCheckFailedException", "Lambda.ResourceNotFoundException"),
        *("Lambda.InvalidParameterValueException", "Lambda.RequestTooLargeException"),
    }
)
"""The same input brings the same error again."""
_ENDINGS: Final = (".ValidationException", ".AccessDeniedException", ".ConditionalCheckFailedException")
_ORDINARY: Final = 3
"""MaxAttempts where a Retry says nothing (Amazon States Language)."""


def check(subject: Subject) -> Iterator[Hit]:
    """Find retries of such errors, but for those that rule them out with `MaxAttempts: 0`."""
    for state in subject.machine.all_states:
        for path, retrier in state.handlers("Retry"):
            errors = retrier.get("ErrorEquals")
            for index, error in enumerate(errors if isinstance(errors, list) else ()):
                permanent = isinstance(error, str) and (error in PERMANENT or error.endswith(_ENDINGS))
                if permanent and retrier.get("MaxAttempts", _ORDINARY) != 0:
                    yield Hit((*path, "ErrorEquals", index), f"`{error}` comes again at every attempt")


RULE = LintRule(
    id="retry-permanent",
    severity=Severity.WARNING,
    title="A Retry repeats what fails again",
    why="The same input brings the same error: the attempts cost time, and calls at a vendor.",
    fix="remove the error from this Retry, or set `MaxAttempts: 0` for it before one of `States.ALL`",
    check=check,
    broken=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Retry: [{ErrorEquals: [Vendor.Rejected], MaxAttempts: 3}]
  End: true
""",
        """
Keep:
  Type: Task
  Resource: arn:aws:states:::dynamodb:putItem
  Arguments: {TableName: orders, Item: {id: {S: "1"}}, ConditionExpression: attribute_not_exists(id)}
  Retry: [{ErrorEquals: [DynamoDB.ConditionalCheckFailedException, DynamoDB.ThrottlingException]}]
  End: true
""",
    ),
    right=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Retry:
    - {ErrorEquals: [Vendor.Rejected], MaxAttempts: 0}
    - {ErrorEquals: [States.ALL], MaxAttempts: 3}
  End: true
""",
    ),
)
