"""`$states` has input, result, errorOutput and context, each where there is one."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from headway.asl.jsonata_tree import names_of
from headway.asl.located import Expression
from headway.asl.model import State
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

FIELDS: Final = ("input", "result", "errorOutput", "context")
_WITH_RESULT: Final = ("Task", "Parallel", "Map")


def check(subject: Subject) -> Iterator[Hit]:
    """Find fields of `$states` that are not there."""
    for state, one in subject.expressions:
        names = names_of(one.text)
        for field in sorted({read[0] for read in names.reads if read}) if names else ():
            if why := _why_not(field, state, one):
                near = get_close_matches(field, FIELDS, n=1)
                fix = f"did you mean `$states.{near[0]}`?" if field not in FIELDS and near else ""
                yield Hit(one.path, f"`$states.{field}` is not there: {why}", fix)


def _why_not(field: str, state: State, one: Expression) -> str:
    if field not in FIELDS:
        return f"`$states` has {', '.join(FIELDS)}"
    if field == "errorOutput" and one.holder != "Catch":
        return "only a Catch has an error"
    if field == "result":
        if state.kind not in _WITH_RESULT:
            return f"{state.kind} has no result"
        if one.holder == "Catch":
            return "where an error is caught there is no result"
        if one.before_result:
            return f"`{one.field}` is read before there is one"
    return ""


RULE = LintRule(
    id="states-field",
    severity=Severity.ERROR,
    title="A field of `$states` is not there",
    why="The expression has no value and the state fails; `errorOutput` outside of a Catch is refused at creation.",
    fix="read `$states.input`, or move the expression to where the field is",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% $states.result.a %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.inputs.a %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.errorOutput.Error %}", End: true}',
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use, Payload: "{% $states.result.a %}"}
  End: true
""",
    ),
    right=(
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use, Payload: "{% $states.input.a %}"}
  Output: "{% $states.result.Payload %}"
  Catch: [{ErrorEquals: [States.ALL], Output: "{% $states.errorOutput.Error %}", Next: Failed}]
  End: true
Failed: {Type: Fail}
""",
    ),
)
