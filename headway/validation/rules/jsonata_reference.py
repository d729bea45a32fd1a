"""Expressions name nothing that Step Functions has no value for: `$`, `$$`, bare names, `$eval`."""

from collections.abc import Iterator

from headway.asl.expressions import UNSUPPORTED
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_ERROR_OUTPUT = "errorOutput"


def check(subject: Subject) -> Iterator[Hit]:
    """Find names that are plain JSONata's and not Step Functions'."""
    for path, one in subject.form:
        if one.code == UNSUPPORTED and _ERROR_OUTPUT not in one.message:
            yield Hit(path, one.message)


RULE = LintRule(
    id="jsonata-reference",
    severity=Severity.ERROR,
    title="An expression names what Step Functions has no value for",
    why="Nothing stands behind `$`, `$$` and bare names, and there is no `$eval`: Step Functions refuses the machine.",
    fix="begin with `$states.input`, `$states.result`, `$states.context` or a variable",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% rows[0] %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $$.rows %}", End: true}',
        "Ask: {Type: Pass, Output: \"{% $eval('1') %}\", End: true}",
    ),
    right=('Ask: {Type: Pass, Output: "{% $states.input.rows[id = 1].name %}", End: true}',),
)
