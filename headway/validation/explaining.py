"""A rule in words, with its examples: for the terminal, and as a section of the documents."""

from headway.validation.rule import LintRule, example_text


def explained(rule: LintRule) -> str:
    """Return what a rule is about, in Markdown; it reads well as plain text, too."""
    lines = [f"## {rule.id}", "", f"{rule.title}. Severity: {rule.severity}.", "", rule.why, "", f"Fix: {rule.fix}."]
    for title, examples in (("Found", rule.broken[:1]), ("Right", rule.right[:1])):
        for example in examples:
            lines += ["", f"{title}:", "", "```yaml", example_text(example).rstrip(), "```"]
    return "\n".join(lines) + "\n"
