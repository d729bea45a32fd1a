"""From every state some way leads to an end."""

from collections.abc import Iterator

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject


def check(subject: Subject) -> Iterator[Hit]:
    """Find states from which none leads to an end; one hit for those that lead to each other."""
    for scope in subject.machine.scopes:
        told: set[str] = set()
        for name in scope.states:
            ahead = scope.reached_from([name])
            ways = [target for each in ahead for _, _, target in scope.states[each].ways()]
            if name in told or name not in scope.reached or any(target not in scope.states for target in ways):
                continue
            leads_on = all(not scope.states[each].ends for each in ahead) and bool(ways)
            if leads_on and name in {target for each in ahead for _, _, target in scope.states[each].ways()}:
                told |= ahead
                yield Hit(scope.states[name].path, f"no way leads from `{name}` to an end: it goes round for ever")


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
