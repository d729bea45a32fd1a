"""Contract and tuning files can be used: `contracts` finds those that cannot, as synth and AppConfig would."""

from headway.validation.finding import Severity
from headway.validation.rule import LintRule, no_check

RULE = LintRule(
    id="contract-refused",
    severity=Severity.ERROR,
    title="A contract or tuning file cannot be used",
    why="It breaks the schema, or contradicts itself; synth refuses it, and so does AppConfig.",
    fix="write what the message says; the fields are in docs/contract.md and docs/vendors.md",
    check=no_check,
)
