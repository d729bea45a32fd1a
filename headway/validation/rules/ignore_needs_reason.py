"""A finding is ruled out with a reason, and by the name of a rule that there is: `machines` looks."""

from collections.abc import Collection
from difflib import get_close_matches

from headway.validation.finding import Severity
from headway.validation.ignoring import Ignored
from headway.validation.rule import Hit, LintRule, no_check


def hit_of(one: Ignored, known: Collection[str]) -> Hit | None:
    """Return the hit of a Comment that rules out without a reason, or what is none of the `known` rules."""
    place = (*one.path, "Comment")
    if one.rule not in known:
        near = get_close_matches(one.rule, known, n=1, cutoff=0)
        return Hit(place, f"there is no rule `{one.rule}`", f"did you mean `{near[0]}`?")
    return None if one.reason else Hit(place, f"`{one.rule}` is ruled out without a reason")


RULE = LintRule(
    id="ignore-needs-reason",
    severity=Severity.ERROR,
    title="A rule is ruled out without a reason, or there is no such rule",
    why="Who reads the machine next has to know why the finding does not count; without a reason it does.",
    fix="write `headway: ignore RULE: reason` into the state's Comment",
    check=no_check,
    broken=(
        """
Note:
  Type: Pass
  Comment: "headway: ignore missing-value"
  Output: "{% $states.input.header.id %}"
  End: true
""",
        """
Note:
  Type: Pass
  Comment: "headway: ignore mising-value: whoever starts it sends a header"
  Output: "{% $states.input.header.id %}"
  End: true
""",
    ),
    right=(
        """
Note:
  Type: Pass
  Comment: "headway: ignore missing-value: whoever starts it sends a header"
  Output: "{% $states.input.header.id %}"
  End: true
""",
    ),
)
