"""Operators and functions get what they take, as far as an expression says it itself."""

from collections.abc import Iterator

from headway.asl.expressions import tree_of
from headway.asl.jsonata_types import type_problems
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find operands and arguments of a wrong type."""
    for _, one in subject.expressions:
        tree = tree_of(one.text)
        if not isinstance(tree, str):
            for problem in dict.fromkeys(type_problems(tree)):
                yield Hit(one.path, problem)


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
        'Ask: {Type: Pass, Output: "{% $now() - $states.input.then %}", End: true}',
        "Ask: {Type: Pass, Output: \"{% $hash($states.input.a, 'SHA-2') %}\", End: true}",
    ),
    right=(
        'Ask: {Type: Pass, Output: "{% $number($states.input.a) / 42 & $uuid() %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.input.a ~> $substring(1) %}", End: true}',
    ),
)
