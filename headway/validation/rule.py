"""What a rule is: an ID, a severity, words for people, examples, and a function that looks at a machine."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headway.asl.places import Path
from headway.validation.finding import Severity

if TYPE_CHECKING:
    from headway.validation.subject import Subject

JSONPATH_MARK: Final = "# JSONPath\n"
"""First line of an example whose machine has that query language; the others are JSONata."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule has found something. `fix` and `severity` are the rule's own unless said."""

    path: Path
    why: str
    fix: str = ""
    severity: Severity | None = None


Check = Callable[["Subject"], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule. Examples are states in YAML, the first one the machine's first; or a whole machine, from `StartAt` on.

    `broken` examples are found by this rule, `right` ones by none.
    """

    id: str
    severity: Severity
    title: str
    """What is wrong, as a line."""
    why: str
    fix: str
    check: Check
    broken: Sequence[str] = ()
    right: Sequence[str] = ()


def example_text(example: str) -> str:
    """Return the whole machine of an example, in YAML."""
    body = example.removeprefix(JSONPATH_MARK).strip("\n")
    if re.search(r"^(States|Resources):", body, re.MULTILINE):
        return body + "\n"
    first = body.split(":", 1)[0].strip("'\"")
    language = "JSONPath" if example.startswith(JSONPATH_MARK) else "JSONata"
    indented = "\n".join(f"  {line}" for line in body.splitlines())
    return f"QueryLanguage: {language}\nStartAt: {first}\nStates:\n{indented}\n"


def no_check(_: "Subject") -> Iterator[Hit]:
    """Find nothing: for rules whose findings come from elsewhere."""
    return iter(())
