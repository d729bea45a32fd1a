"""A path deep into the input, on which a state stands that catches nothing, has a value."""

from collections.abc import Iterator
from typing import Final

from headway.asl.jsonata_tree import whole_path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.shapes import is_absent, shape_before
from headway.validation.subject import Subject

_ENVELOPES: Final = frozenset(
    {
        *("detail", "body", "headers", "requestContext", "pathParameters", "queryStringParameters"),  # events of AWS
        *("Records", "Payload", "Output", "Item", "Attributes", "BatchInput", "Execution", "Error", "Cause"),
    }
)
"""What AWS itself puts around the fields of an event, an answer or a batch."""
_WITHOUT_CATCH: Final = ("Pass", "Succeed", "Wait", "Fail")


def check(subject: Subject) -> Iterator[Hit]:
    """Find expressions that are nothing but a path of two fields or more into an input that nobody has made.

    An error is only what fails for certain: where the states before make an input without the field, and where a
    machine of this one state is started without an input. In any other machine the caller may well send the field.
    """
    for state, one in subject.expressions:
        path = whole_path(one.text)
        if path is None or path[:1] != ("input",) or state.kind not in _WITHOUT_CATCH:
            continue
        made = shape_before(state)
        if is_absent(made, path[1:]):
            why = f"every way to `{state.name}` makes an input without `{'.'.join(path[1:])}`"
            yield Hit(one.path, why, "write the field, or read another one", Severity.ERROR)
        elif made is None and state is state.scope.start and len(path) > 2 and path[1] not in _ENVELOPES:
            read = f"`$states.{'.'.join(path)}`"
            if len(subject.machine.all_states) == 1:
                why = f"{read} is all that this machine does, and fails with the input that AWS gives unasked, `{{}}`"
                yield Hit(one.path, why, severity=Severity.ERROR)
            else:
                yield Hit(one.path, f"{read} fails the execution where the input has it not")


RULE = LintRule(
    id="missing-value",
    severity=Severity.WARNING,
    title="An expression has no value where the input lacks a field",
    why="JSONata raises States.QueryEvaluationError then, and Pass, Wait, Succeed and Fail catch nothing.",
    fix="guard it: `$exists(a.b) ? a.b : ...`, or `$states.input.a.b ? ...`",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: {v: "{% $states.input.header.missing %}"}, End: true}',
        """
Ask: {Type: Pass, Output: {v: "{% $states.input.header.missing %}"}, Next: Done}
Done: {Type: Succeed}
""",
        """
Make: {Type: Pass, Output: {header: {id: 1}}, Next: Use}
Use: {Type: Pass, Output: "{% $states.input.header.name %}", End: true}
""",
    ),
    right=(
        'Ask: {Type: Pass, Output: "{% $exists($states.input.header.id) ? $states.input.header.id : 0 %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.input.detail.bucket.name %}", End: true}',
        """
Make: {Type: Pass, Output: {header: {id: 1}}, Next: Use}
Use: {Type: Pass, Output: "{% $states.input.header.id %}", End: true}
""",
    ),
)
