"""From every state some way leads to an end."""

from collections.abc import Iterator

from headway.asl.model import StateScope
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find states from which none leads to an end; one hit for those that lead to each other."""
    for scope in subject.machine.scopes:
        ending = _ending(scope)
        told: set[str] = set()
        for name in scope.states:
            if name in scope.reached and name not in ending | told:
                ahead = scope.reached_from([name])
                told |= ahead
                yield Hit(scope.states[name].path, f"no way leads from `{name}` to an end: it goes round for ever")


def _ending(scope: StateScope) -> set[str]:
    """Return the states from which some way ends, or leads to where other rules have something to say."""
    before: dict[str, list[str]] = {}
    ending = []
    for name, state in scope.states.items():
        targets = [target for _, _, target in state.ways()]
        for target in targets:
            before.setdefault(target, []).append(name)
        if state.ends or not targets or any(target not in scope.states for target in targets):
            ending.append(name)
    found: set[str] = set()
    while ending:
        name = ending.pop()
        if name not in found:
            found.add(name)
            ending += before.get(name, [])
    return found


RULE = LintRule(
    id="endless-states",
    severity=Severity.ERROR,
    title="States lead to each other, and none to an end",
    why="The execution runs until its timeout, or for a year, and every round costs transitions.",
    fix="let a Choice lead out of the loop, or end with `End: true`, Succeed or Fail",
    check=check,
    broken=(
        "Ask: {Type: Pass, Next: Look}\nLook: {Type: Wait, Seconds: 5, Next: Ask}",
        """
Begin:
  Type: Choice
  Choices: [{Condition: "{% $states.input.stop = true %}", Next: Done}]
  Default: Ask
Ask: {Type: Pass, Next: Look}
Look: {Type: Wait, Seconds: 5, Next: Ask}
Done: {Type: Succeed}
""",
    ),
    right=(
        """
Ask: {Type: Wait, Seconds: 5, Next: Look}
Look:
  Type: Choice
  Choices: [{Condition: "{% $states.input.stop = true %}", Next: Done}]
  Default: Ask
Done: {Type: Succeed}
""",
    ),
)
