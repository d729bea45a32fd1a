"""Operators and functions get what they take, as far as an expression says it itself."""

from collections.abc import Iterator, Mapping
from typing import Final

from headway.asl.expressions import tree_of
from headway.asl.fields import WHOLE_NUMBERS
from headway.asl.jsonata_types import BOOLEAN, LIST, NUMBER, OBJECT, TEXT, problems_of, type_of
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "Condition": (BOOLEAN,),
    **dict.fromkeys(WHOLE_NUMBERS, (NUMBER,)),
    **dict.fromkeys(("Timestamp", "Error", "Cause"), (TEXT,)),
    "Items": (LIST, OBJECT),
}
"""What a field takes."""


def check(subject: Subject) -> Iterator[Hit]:
    """Find operands and arguments of a wrong type."""
    for _, one in subject.expressions:
        tree = tree_of(one.text)
        if not isinstance(tree, str):
            for problem in problems_of(one.text):
                yield Hit(one.path, problem)
            found, wanted = type_of(tree), WANTED.get(str(one.path[-1]), ())
            if found and wanted and found not in wanted and one.field == one.path[-1]:
                yield Hit(one.path, f"`{one.field}` is {' or '.join(wanted)}, and gets {found}")


RULE = LintRule(
    id="jsonata-type",
    severity=Severity.ERROR,
    title="An operator or function gets what it does not take",
    why="The state fails with States.QueryEvaluationError whenever the expression has a value.",
    fix="convert it (`$number`, `$string`), or pass another value",
    check=check,
    broken=(
        "Ask: {Type: Pass, Output: \"{% 'hello' / 42 %}\", End: true}",
        'Ask: {Type: Pass, Output: "{% $uppercase(3) %}", End: true}',
        "Ask: {Type: Pass, Output: \"{% $sum(['a', 'b']) %}\", End: true}",
        "Ask: {Type: Wait, Seconds: \"{% 'ten' %}\", End: true}",
        'Ask: {Type: Pass, Output: "{% $now() - $states.input.then %}", End: true}',
        "Ask: {Type: Pass, Output: \"{% $hash($states.input.a, 'SHA-2') %}\", End: true}",
    ),
    right=(
        'Ask: {Type: Wait, Seconds: "{% $states.input.fast ? 1 : 60 %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $number($states.input.a) / 42 & $uuid() %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.input.a ~> $substring(1) %}", End: true}',
    ),
)
