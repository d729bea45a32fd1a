"""Names of states and variables are those that Step Functions takes."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

CODES = ("INVALID_STATE_NAME", "RESERVED_VARIABLE_NAME", "INVALID_VARIABLE_NAME")


def check(subject: Subject) -> Iterator[Hit]:
    """Find names that are refused."""
    return (Hit(path, one.message) for path, one in subject.form if one.code in CODES)


RULE = LintRule(
    id="name-refused",
    severity=Severity.ERROR,
    title="A state or a variable has a name that is refused",
    why="A state's name has 80 characters at most. A variable's begins with no digit, and `states` is taken.",
    fix="choose another name",
    check=check,
    broken=(
        f"{'A' * 81}: {{Type: Succeed}}",
        "Ask: {Type: Pass, Assign: {states: 1}, End: true}",
        "Ask: {Type: Pass, Assign: {2nd: 1}, End: true}",
    ),
    right=("Ask: {Type: Pass, Assign: {second: 2}, End: true}",),
)
