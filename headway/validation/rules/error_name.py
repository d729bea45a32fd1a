"""Errors that begin with `States.` are those that Step Functions has."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from headway.asl.placeholders import is_unknown
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

ERRORS: Final = frozenset(
    f"States.{name}"
    for name in (
        *("ALL", "BranchFailed", "DataLimitExceeded", "ExceedToleratedFailureThreshold", "HeartbeatTimeout"),
        *("Http.Socket", "IntrinsicFailure", "ItemReaderFailed", "NoChoiceMatched", "ParameterPathFailure"),
        *("Permissions", "QueryEvaluationError", "ResultPathMatchFailure", "ResultWriterFailed", "Runtime"),
        *("TaskFailed", "Timeout"),
    )
)
"""Of the developer guide, "Handling errors in Step Functions workflows"; beside `States.Http.StatusCode.` and a
number.
"""


def check(subject: Subject) -> Iterator[Hit]:
    """Find names that nothing raises."""
    for state in subject.machine.all_states:
        for handler in ("Retry", "Catch"):
            for path, one in state.handlers(handler):
                errors = one.get("ErrorEquals")
                for index, error in enumerate(errors if isinstance(errors, list) else ()):
                    if isinstance(error, str) and not is_unknown(error) and _is_none(error):
                        near = get_close_matches(error, ERRORS, n=1)
                        fix = f"did you mean `{near[0]}`?" if near else ""
                        yield Hit((*path, "ErrorEquals", index), f"Step Functions raises no `{error}`", fix)


def _is_none(error: str) -> bool:
    if not error.lower().startswith("states."):
        return False
    return error not in ERRORS and not error.startswith("States.Http.StatusCode.")


RULE = LintRule(
    id="unknown-error",
    severity=Severity.ERROR,
    title="A handler names an error of Step Functions that it has not",
    why="Names are compared as they are written: the handler is never used.",
    fix="name an error of Step Functions, or give your own another beginning than `States.`",
    check=check,
    broken=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Retry: [{ErrorEquals: [States.TimeOut], MaxAttempts: 2}]
  End: true
""",
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Catch: [{ErrorEquals: [States.TaskFailure], Next: Failed}]
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
  Retry: [{ErrorEquals: [States.TaskFailed, Vendor.Throttled, States.Http.StatusCode.429], MaxAttempts: 2}]
  End: true
""",
    ),
)
