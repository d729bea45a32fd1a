"""Functions that are called are there: JSONata's, what Step Functions adds, or the expression's own."""

from collections.abc import Iterator
from difflib import get_close_matches

from headway.asl.jsonata_tree import names_of
from headway.asl.jsonata_types import function_names
from headway.asl.placeholders import STAND_IN
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find calls of what is no function."""
    known = function_names()
    for _, one in subject.expressions:
        names = names_of(one.text)
        for name in sorted(names.functions - known - {"eval", STAND_IN, ""}) if names else ():
            near = get_close_matches(name, known, n=1)
            yield Hit(one.path, f"there is no function `${name}`", f"did you mean `${near[0]}`?" if near else "")


RULE = LintRule(
    id="undefined-function",
    severity=Severity.ERROR,
    title="A function that is called is not there",
    why="The state fails with States.QueryEvaluationError. Variables hold no functions in Step Functions.",
    fix="call one of JSONata, $partition, $range, $hash, $random, $uuid or $parse; or define it in the expression",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% $upperCase($states.input.a) %}", End: true}',
        "Ask: {Type: Pass, Output: \"{% $format('{}', $states.input.a) %}\", End: true}",
    ),
    right=(
        'Ask: {Type: Pass, Output: "{% ($twice := function($x) { 2 * $x }; $twice($states.input.a)) %}", End: true}',
        'Ask: {Type: Pass, Output: "{% $partition($range(1, 9, 1), 3) %}", End: true}',
    ),
)
