"""Every rule of a contract's answers can be met: `contracts` finds those that another one leaves nothing."""

from headway.validation.finding import Severity
from headway.validation.rule import LintRule, no_check

RULE = LintRule(
    id="answer-never-met",
    severity=Severity.WARNING,
    title="A rule of a contract's answers is never met",
    why="The first rule that an answer meets counts. Those before it take all answers that it is about, or the vendor"
    " is not asked while it would hold, or has no body to look at.",
    fix="move it before them, make them narrower, or remove it",
    check=no_check,
)
