"""Rules of a Choice in JSONPath: one comparison each, of a known name, with a value of its type."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from headway.asl.placeholders import is_unknown
from headway.asl.places import Path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_ORDERED: Final = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"String": (str,), "Numeric": (int, float), "Timestamp": (str,)}
OPERATORS: Final[Mapping[str, tuple[type, ...]]] = {
    **{f"{kind}{name}": types for kind, types in _TYPES.items() for name in _ORDERED},
    **{f"{kind}{name}Path": (str,) for kind in _TYPES for name in _ORDERED},
    "BooleanEquals": (bool,),
    "BooleanEqualsPath": (str,),
    "StringMatches": (str,),
    **{f"Is{name}": (bool,) for name in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")},
}
"""Comparison -> types of its value (Amazon States Language, "Choice rule")."""
_TOGETHER: Final = ("And", "Or", "Not")
_BESIDE: Final = ("Variable", "Next", "Comment", "Assign", "Output")
_WORDS: Final = {str: "a text", int: "a number", float: "a number", bool: "true or false"}


def check(subject: Subject) -> Iterator[Hit]:
    """Find rules that compare nothing, or in a way that there is not."""
    for state in subject.machine.all_states:
        if state.kind == "Choice" and not state.jsonata:
            for path, rule in state.handlers("Choices"):
                yield from _of_rule(rule, path, top=True)


def _of_rule(rule: Any, path: Path, *, top: bool) -> Iterator[Hit]:
    if not isinstance(rule, dict):
        yield Hit(path, "a rule is an object with `Variable` and a comparison")
        return
    if not top and "Next" in rule:
        yield Hit((*path, "Next"), "only the outermost rule has `Next`", "remove it here")
    together = [name for name in _TOGETHER if name in rule]
    for name in together:
        parts = [rule[name]] if name == "Not" else rule[name] if isinstance(rule[name], list) else []
        for index, part in enumerate(parts):
            yield from _of_rule(part, (*path, name) if name == "Not" else (*path, name, index), top=False)
    compared = [name for name in rule if name not in (*_BESIDE, *_TOGETHER, "Condition")]
    for name in compared:
        yield from _of_comparison(name, rule[name], (*path, name))
    if not together and "Condition" not in rule and len(compared) != 1:
        yield Hit(path, f"a rule has one comparison, and this one {len(compared)}")
    if compared and "Variable" not in rule:
        yield Hit(path, "nothing says what is compared", "add `Variable`")


def _of_comparison(name: str, value: Any, path: Path) -> Iterator[Hit]:
    types = OPERATORS.get(name)
    if types is None:
        near = get_close_matches(name, OPERATORS, n=1)
        yield Hit(path, f"there is no comparison `{name}`", f"did you mean `{near[0]}`?" if near else "")
    elif not is_unknown(value) and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        yield Hit(path, f"`{name}` compares with {_WORDS[types[0]]}")


RULE = LintRule(
    id="choice-rule",
    severity=Severity.ERROR,
    title="A rule of a Choice compares nothing, or in a way that there is not",
    why="Step Functions refuses the machine.",
    fix="write `Variable` and one comparison of the Amazon States Language; `Next` in the outermost rule",
    check=check,
    broken=(
        """
# JSONPath
Look: {Type: Choice, Choices: [{Variable: $.a, StringEqual: x, Next: Done}], Default: Done}
Done: {Type: Succeed}
""".lstrip(),
        """
# JSONPath
Look: {Type: Choice, Choices: [{Variable: $.a, NumericEquals: "1", Next: Done}], Default: Done}
Done: {Type: Succeed}
""".lstrip(),
        """
# JSONPath
Look: {Type: Choice, Choices: [{And: [{Variable: $.a, IsNull: true, Next: Done}], Next: Done}], Default: Done}
Done: {Type: Succeed}
""".lstrip(),
    ),
    right=(
        """
# JSONPath
Look:
  Type: Choice
  Choices:
    - {Not: {Variable: $.a, IsPresent: true}, Next: Done}
    - {Variable: $.a, NumericLessThanPath: $.b, Next: Done}
    - {Variable: $.at, TimestampGreaterThan: "2026-01-01T00:00:00Z", Next: Done}
  Default: Done
Done: {Type: Succeed}
""".lstrip(),
    ),
)
