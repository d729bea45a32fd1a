"""What is caught goes on with what the next state reads."""

from collections.abc import Iterator
from typing import Final

from headway.asl.json_path import NoPath, reading_of
from headway.asl.jsonata_tree import names_of
from headway.asl.located import expressions_of, paths_of
from headway.asl.model import State
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

ERROR_FIELDS: Final = ("Error", "Cause")


def check(subject: Subject) -> Iterator[Hit]:
    """Find catchers whose output is the error alone, and whose next state reads something else."""
    for state in subject.machine.all_states:
        for path, catcher in state.handlers("Catch"):
            kept = "Output" in catcher if state.jsonata else catcher.get("ResultPath", "$") != "$"
            target = state.scope.states.get(str(catcher.get("Next")))
            if kept or target is None:
                continue
            if wanted := sorted(_reads(target) - set(ERROR_FIELDS)):
                fix = _IN_JSONATA if state.jsonata else _IN_JSONPATH
                yield Hit(
                    path, f"`{target.name}` reads `{wanted[0]}`, and gets the error in the place of the input", fix
                )


def _reads(state: State) -> set[str]:
    """Return the fields of its input that a state reads."""
    found: set[str] = set()
    for one in expressions_of(state):
        names = names_of(one.text)
        found |= {read[1] for read in names.reads if read[:1] == ("input",) and len(read) > 1} if names else set()
    for path in paths_of(state):
        reading = reading_of(path.text)
        if isinstance(reading, NoPath) or path.reference or path.field in ("OutputPath", "ResultSelector"):
            continue
        found |= {names[0] for root, names in reading.paths if root == "$" and names}
    return found


_IN_JSONATA: Final = (
    "give the catcher an `Output`, such as `{% $merge([$states.input, {'error': $states.errorOutput}]) %}`"
)
_IN_JSONPATH: Final = 'set `"ResultPath": "$.error"` in the catcher'

RULE = LintRule(
    id="catch-loses-input",
    severity=Severity.WARNING,
    title="A Catch loses the input that the next state reads",
    why="Without `ResultPath` (JSONata: `Output`) the error takes the place of the input.",
    fix="keep the input beside the error",
    check=check,
    broken=(
        """
# JSONPath
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Parameters: {FunctionName: use, Payload.$: $.order}
  Catch: [{ErrorEquals: [States.ALL], Next: Undo}]
  End: true
Undo:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Parameters: {FunctionName: undo, Payload.$: $.order}
  End: true
""".lstrip(),
        """
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: use}
  Catch: [{ErrorEquals: [States.ALL], Next: Undo}]
  End: true
Undo:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Arguments: {FunctionName: undo, Payload: "{% $states.input.order %}"}
  End: true
""",
    ),
    right=(
        """
# JSONPath
Use:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Parameters: {FunctionName: use, Payload.$: $.order}
  Catch: [{ErrorEquals: [States.ALL], ResultPath: $.error, Next: Undo}]
  End: true
Undo:
  Type: Task
  Resource: arn:aws:states:::lambda:invoke
  Parameters: {FunctionName: undo, Payload.$: $.order}
  End: true
""".lstrip(),
    ),
)
