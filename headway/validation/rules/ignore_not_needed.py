"""What is ruled out is there: `machines` finds the others, because that follows from all other rules."""

from headway.validation.finding import Severity
from headway.validation.ignoring import Ignored
from headway.validation.rule import Hit, LintRule, no_check


def hit_of(one: Ignored) -> Hit:
    """Return the hit of a Comment that rules out nothing."""
    return Hit((*one.path, "Comment"), f"`{one.rule}` finds nothing here")


RULE = LintRule(
    id="ignore-not-needed",
    severity=Severity.WARNING,
    title="A Comment rules out what is not found",
    why="The reason has outlived what it was for, and would hide the next finding.",
    fix="remove `headway: ignore ...` from the Comment",
    check=no_check,
    broken=(
        """
Note: {Type: Pass, Comment: "headway: ignore missing-value: there is a header", Output: 1, End: true}
""",
        """
Done: {Type: Succeed, Comment: "headway: ignore unreachable-state: it is the first"}
""",
    ),
    right=("Done: {Type: Succeed, Comment: It is over}",),
)
