"""A variable that is read was assigned on every way to the state."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.variables import flow_of, variable_reads


def check(subject: Subject) -> Iterator[Hit]:
    """Find variables that some way to the state has not assigned, and that no `$exists` guards."""
    flow = flow_of(subject.machine)
    for state, path, name, guarded in variable_reads(subject):
        if name in flow.possible(state) and name not in flow.certain(state) and not guarded:
            yield Hit(path, f"`${name}` is not assigned on every way to `{state.name}`")


RULE = LintRule(
    id="unset-variable",
    severity=Severity.WARNING,
    title="A variable is read that some way has not assigned",
    why="On that way the expression has no value, and the state fails.",
    fix="assign it on every way, or ask `$exists(...)` first",
    check=check,
    broken=(
        """
Look:
  Type: Choice
  Choices: [{Condition: "{% $states.input.a = 1 %}", Assign: {one: 1}, Next: Use}]
  Default: Use
Use: {Type: Pass, Output: "{% $one %}", End: true}
""",
        """
Ask:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Assign: {answer: "{% $states.result.Payload %}"}
  Catch: [{ErrorEquals: [States.ALL], Next: Use}]
  Next: Use
Use: {Type: Pass, Output: "{% $answer %}", End: true}
""",
    ),
    right=(
        """
Look:
  Type: Choice
  Choices: [{Condition: "{% $states.input.a = 1 %}", Assign: {one: 1}, Next: Use}]
  Default: Use
Use: {Type: Pass, Output: "{% $exists($one) ? $one : 2 %}", End: true}
""",
    ),
)
