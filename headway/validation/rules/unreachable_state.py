"""Some way leads to every state."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find states that no way leads to."""
    for scope in subject.machine.scopes:
        if scope.start is not None:
            for name, state in scope.states.items():
                if name not in scope.reached:
                    yield Hit(state.path, f"no way leads to `{name}`")


RULE = LintRule(
    id="unreachable-state",
    severity=Severity.ERROR,
    title="No way leads to a state",
    why="Step Functions refuses a machine with such a state; most often a `Next` names another one than was meant.",
    fix="lead to it from another state, or remove it",
    check=check,
    broken=(
        "Ask: {Type: Succeed}\nLost: {Type: Fail}",
        """
Both:
  Type: Parallel
  Branches:
    - StartAt: One
      States: {One: {Type: Pass, End: true}, Two: {Type: Pass, Next: One}}
  End: true
""",
    ),
    right=("Ask: {Type: Pass, Next: Done}\nDone: {Type: Succeed}",),
)
