"""No object has a key twice."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find keys that stood before."""
    for path in subject.twice:
        yield Hit(path, f"`{path[-1]}` stands twice in its object: only the last one counts")


RULE = LintRule(
    id="duplicate-key",
    severity=Severity.ERROR,
    title="A key stands twice in one object",
    why="Every reader of JSON takes the last and forgets the first: a state of that name is lost without a word.",
    fix="rename or remove one of them",
    check=check,
    broken=(
        "Ask: {Type: Pass, End: true}\nAsk: {Type: Succeed}",
        "Ask: {Type: Pass, Output: {a: 1, a: 2}, End: true}",
    ),
    right=("Ask: {Type: Pass, Output: {a: 1, b: {a: 2}}, End: true}",),
)
