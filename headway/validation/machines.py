"""A machine against all rules: hits become findings with their place, but for what a Comment rules out with reason."""

from collections.abc import Iterable, Iterator, Sequence

from headway.asl.places import Path
from headway.asl.reading import Read
from headway.validation.catalogue import catalogue
from headway.validation.finding import Finding
from headway.validation.ignoring import Ignored, ignored
from headway.validation.rule import Hit, LintRule
from headway.validation.rules import ignore_needs_reason, ignore_not_needed
from headway.validation.subject import Subject

ABOUT_IGNORING = (ignore_needs_reason.RULE.id, ignore_not_needed.RULE.id)


def machine_findings(file: str, read: Read, subject: Subject) -> Sequence[Finding]:
    """Return what is wrong with a machine of a file, in reading order."""
    rules = catalogue()
    hits = [(rule, hit) for rule in rules.values() for hit in rule.check(subject)]
    comments = list(ignored(subject.document))
    said = [one for one in comments if one.reason]
    left = [(rule, hit) for rule, hit in hits if not any(_rules_out(one, rule, hit) for one in said)]
    idle = [one for one in said if not any(_rules_out(one, rule, hit) for rule, hit in hits)]
    left += [(ignore_not_needed.RULE, ignore_not_needed.hit_of(one)) for one in idle if one.rule in rules]
    faulty = [ignore_needs_reason.hit_of(one, rules) for one in comments]
    left += [(ignore_needs_reason.RULE, hit) for hit in faulty if hit]
    found = [finding_of(file, read, rule, hit, subject.path) for rule, hit in left]
    return sorted(dict.fromkeys(found), key=lambda one: (one.line, one.column, one.rule))


def finding_of(file: str, read: Read, rule: LintRule, hit: Hit, base: Path = ()) -> Finding:
    """Return the finding of a hit whose path begins at `base` of a file."""
    line, column = read.place((*base, *hit.path))
    return Finding(
        file=file,
        line=line,
        column=column,
        rule=rule.id,
        severity=hit.severity or rule.severity,
        why=hit.why,
        fix=hit.fix or rule.fix,
        state=_state_of(hit.path),
    )


def _rules_out(one: Ignored, rule: LintRule, hit: Hit) -> bool:
    return one.rule == rule.id and hit.path[: len(one.path)] == one.path and rule.id not in ABOUT_IGNORING


def _state_of(path: Path) -> str:
    """Return the name of the innermost state that a path leads through."""
    return next(_names(path), "")


def _names(path: Path) -> Iterator[str]:
    for index in range(len(path) - 2, -1, -1):
        if path[index] == "States" and _is_holder(path[:index]):
            yield str(path[index + 1])


def _is_holder(path: Iterable[object]) -> bool:
    """Tell whether a path is that of something with states: the machine, or a branch or processor of it."""
    parts = list(path)
    return not parts or parts[-1] in ("ItemProcessor", "Iterator") or (len(parts) > 1 and parts[-2] == "Branches")
