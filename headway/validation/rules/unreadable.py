"""A file can be read: `files` finds those that cannot."""

from headway.validation.finding import Severity
from headway.validation.rule import LintRule, no_check

RULE = LintRule(
    id="unreadable",
    severity=Severity.ERROR,
    title="A file cannot be read",
    why="It is not there, or neither JSON nor YAML from this place on; nothing else of it is checked.",
    fix="correct it at this place",
    check=no_check,
)
