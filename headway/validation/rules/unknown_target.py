"""Every transition leads to a state of the same scope."""

from collections.abc import Iterator
from difflib import get_close_matches

from headway.asl.model import StateScope
from headway.asl.placeholders import is_unknown
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find transitions to what is not there."""
    for scope in subject.machine.scopes:
        start = scope.document.get("StartAt")
        if isinstance(start, str) and start not in scope.states:
            yield _hit(subject, scope, (*scope.path, "StartAt"), start)
        for state in scope.states.values():
            for path, holder, target in state.ways():
                if target not in scope.states:
                    field = "Next" if holder.get("Next") == target else "Default"
                    yield _hit(subject, scope, (*path, field), target)


def _hit(subject: Subject, scope: StateScope, path: tuple[str | int, ...], target: str) -> Hit:
    elsewhere = any(target in other.states for other in subject.machine.scopes)
    if elsewhere:
        return Hit(path, f"`{target}` is in another scope: no transition leads into or out of a Map or Parallel")
    near = get_close_matches(target, scope.states, n=1)
    severity = Severity.NOTE if is_unknown(target) else None
    return Hit(path, f"there is no state `{target}`", f"did you mean `{near[0]}`?" if near else "", severity)


RULE = LintRule(
    id="unknown-target",
    severity=Severity.ERROR,
    title="A transition leads to a state that is not there",
    why="Step Functions refuses the machine. States of a Map or Parallel are on their own: their last one has `End`.",
    fix="name a state of the same scope, or set `End: true`",
    check=check,
    broken=(
        "Ask: {Type: Pass, Next: Aks}\nAsks: {Type: Succeed}",
        """
Each:
  Type: Map
  ItemProcessor: {StartAt: Inner, States: {Inner: {Type: Pass, Next: Last}}}
  Next: Last
Last: {Type: Succeed}
""",
        "Comment: none\nStartAt: Nowhere\nStates: {Ask: {Type: Succeed}}",
    ),
    right=(
        """
Each:
  Type: Map
  ItemProcessor: {StartAt: Inner, States: {Inner: {Type: Pass, End: true}}}
  Next: Last
Last: {Type: Succeed}
""",
    ),
)
