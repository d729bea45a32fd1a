"""Conditions of a Choice in few words, as a person would write them beside an arrow.

In: one rule of `Choices`, in JSONata or with JSONPath's comparisons. Out: its condition as one line, whole; whoever
draws it cuts it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_SIGNS: Final = {
    "Equals": "=",
    "LessThan": "<",
    "GreaterThan": ">",
    "LessThanEquals": "<=",
    "GreaterThanEquals": ">=",
    "Matches": "is like",
}
_COMPARISON: Final = re.compile(
    r"(?P<kind>String|Numeric|Boolean|Timestamp)(?P<how>(?:Less|Greater)Than(?:Equals)?|Equals|Matches)(?:Path)?"
)
_INPUT: Final = re.compile(r"\$states\.input\.(?=[A-Za-z_`])")


def condition(rule: Mapping[str, Any]) -> str:
    """Return the condition of a rule; empty where it has none that is known."""
    if "Condition" in rule:
        return _jsonata(rule["Condition"])
    for name, word in (("And", " and "), ("Or", " or ")):
        if name in rule:
            return word.join(f"({said})" if " or " in said else said for said in map(condition, rule[name]))
    if "Not" in rule:
        return f"not ({condition(rule['Not'])})"
    return _comparison(rule)


def _jsonata(text: object) -> str:
    bare = str(text).strip().removeprefix("{%").removesuffix("%}")
    return _INPUT.sub("", " ".join(bare.split()))


def _comparison(rule: Mapping[str, Any]) -> str:
    variable = str(rule.get("Variable", ""))
    for name, value in rule.items():
        if found := _COMPARISON.fullmatch(name):
            said = value if name.endswith("Path") else json.dumps(value, ensure_ascii=False)
            return f"{variable} {_SIGNS[found['how']]} {said}"
        if name.startswith("Is"):
            what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("Is")).lower()
            return f"{variable} is {'' if value else 'not '}{what}"
    return variable
