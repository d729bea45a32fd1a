"""A state's name is its own in the whole machine."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

CODE = "DUPLICATE_STATE_NAME"


def check(subject: Subject) -> Iterator[Hit]:
    """Find names that another scope has, too."""
    return (Hit(path, f"another state is called `{path[-1]}`") for path, one in subject.form if one.code == CODE)


RULE = LintRule(
    id="duplicate-state",
    severity=Severity.ERROR,
    title="Two states have one name",
    why="Step Functions wants the names of all states to differ, those in a Map or Parallel included.",
    fix="rename one of them",
    check=check,
    broken=(
        """
Each:
  Type: Map
  ItemProcessor: {StartAt: Each, States: {Each: {Type: Pass, End: true}}}
  End: true
""",
        """
Both:
  Type: Parallel
  Branches:
    - {StartAt: One, States: {One: {Type: Succeed}}}
    - {StartAt: One, States: {One: {Type: Succeed}}}
  End: true
""",
    ),
    right=("Ask: {Type: Pass, Next: Done}\nDone: {Type: Succeed}",),
)
