"""A variable that is read was assigned, in a state before or in a scope around."""

from collections.abc import Iterator
from difflib import get_close_matches

from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject
from headway.validation.variables import flow_of, variable_reads


def check(subject: Subject) -> Iterator[Hit]:
    """Find variables that no way to the state has assigned."""
    flow = flow_of(subject.machine)
    for state, path, name, _ in variable_reads(subject):
        if name in flow.possible(state):
            continue
        known = flow.everywhere
        if name in known:
            why = f"`${name}` is assigned in no state before `{state.name}`, or in a scope that it does not see"
            yield Hit(path, why, "assign it in a state before; what is assigned in a state is there in the next one")
        else:
            near = get_close_matches(name, known, n=1)
            yield Hit(path, f"`${name}` is assigned nowhere", f"did you mean `${near[0]}`?" if near else "")


RULE = LintRule(
    id="undefined-variable",
    severity=Severity.ERROR,
    title="A variable is read that nothing before has assigned",
    why="The expression has no value, and the state fails.",
    fix="assign it with `Assign` in a state before",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: "{% $order.id %}", End: true}',
        """
Keep: {Type: Pass, Assign: {order: "{% $states.input %}"}, Output: "{% $order.id %}", End: true}
""",
        """
Both:
  Type: Parallel
  Branches:
    - {StartAt: One, States: {One: {Type: Pass, Assign: {part: 1}, End: true}}}
  Next: Use
Use: {Type: Pass, Output: "{% $part %}", End: true}
""",
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"id.$": "$order.id"}, End: true}',
    ),
    right=(
        """
Keep: {Type: Pass, Assign: {order: "{% $states.input %}"}, Next: Each}
Each:
  Type: Map
  Items: "{% $order.rows %}"
  ItemProcessor: {StartAt: Use, States: {Use: {Type: Pass, Output: "{% $order.id %}", End: true}}}
  End: true
""",
    ),
)
