"""Writes rules.md: every rule of `headway validate`, as `--explain` tells it."""

from headway.validation.catalogue import catalogue
from headway.validation.explaining import explained

HEAD = """# Rules of `headway validate`

Written by `make docs` from [rules/](../headway/validation/rules/), a file each. Do not edit it: change the rule. An
`error` fails at deployment or when the state runs, and ends the command with 1; a `warning` fails when something else
does, and ends it with 1 under `--strict`.

A rule is ruled out for one state in its Comment, with the reason: `headway: ignore RULE: reason`. In the machine's own
Comment that is for all of its states, in that of a Map or Parallel for those within. A reason that is missing is an
error, and one that rules out nothing a warning.

"""


def rules_page() -> str:
    """Return the page."""
    known = catalogue()
    table = ["| rule | severity | what is found |", "|---|---|---|"]
    table += [f"| [{rule.id}](#{rule.id}) | {rule.severity} | {rule.title} |" for rule in known.values()]
    sections = [explained(rule) for rule in known.values()]
    return HEAD + "\n".join(table) + "\n\n" + "\n".join(sections)
