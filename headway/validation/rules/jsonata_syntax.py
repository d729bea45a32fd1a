"""Every JSONata expression can be parsed."""

from collections.abc import Iterator

from headway.asl.expressions import INVALID
from headway.asl.placeholders import at, is_unknown
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find expressions that are none."""
    for path, one in subject.form:
        if one.code == INVALID and not is_unknown(at(subject.document, path)):
            yield Hit(path, f"no JSONata: {one.message}")


RULE = LintRule(
    id="jsonata-syntax",
    severity=Severity.ERROR,
    title="An expression is no JSONata",
    why="Step Functions refuses the machine.",
    fix="correct the expression between `{%` and `%}`",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% $states.input.(a + %}", End: true}',
        "Ask: {Type: Pass, Assign: {one: \"{% {'a': 1 %}\"}, End: true}",
    ),
    right=(
        'Ask: {Type: Pass, Output: "{% $states.input.(a + 1) %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $states.input.${Field} + ${Count} %}", End: true}',
    ),
)
