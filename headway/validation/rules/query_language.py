"""What a state has of the other query language is only text in it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headway.asl import fields
from headway.asl.model import State
from headway.asl.places import Path
from headway.validation.finding import Severity
from headway.validation.rule import Hit, LintRule
from headway.validation.subject import Subject

_READ: Final = ("Arguments", "Output", "Assign", "Parameters", "ResultSelector", "ItemSelector", "Items", "Result")
_PATH: Final = re.compile(r"\$(?:\$?\.[A-Za-z_]|\[|$)|States\.[A-Z]\w+\(.*\)")
_TOKEN: Final = "Task.Token"  # noqa: S105 - the name of a field


def check(subject: Subject) -> Iterator[Hit]:
    """Find paths in JSONata states, and expressions in JSONPath states; the task token has a rule of its own."""
    for state in subject.machine.all_states:
        for name in _READ:
            if name in state.fields:
                yield from _within(state.fields[name], (*state.path, name), state)


def _within(value: Any, path: Path, state: State) -> Iterator[Hit]:
    parts: Mapping[Any, Any] = (
        value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    )
    for key, part in parts.items():
        here = (*path, key)
        if not isinstance(part, str):
            yield from _within(part, here, state)
        elif _TOKEN in part:
            continue
        elif state.jsonata and str(key).endswith(".$") and _PATH.match(part):
            yield Hit(
                here, f"`{key}` is a key of this name in a {fields.JSONATA} state, and `{part}` its text", _IN_JSONATA
            )
        elif not state.jsonata and part.startswith("{%"):
            yield Hit(here, f"`{part}` is a text in a {fields.JSONPATH} state", _IN_JSONPATH)


_IN_JSONATA: Final = "write the key without `.$`, and the value as `{% $states.input... %}`"
_IN_JSONPATH: Final = 'set `"QueryLanguage": "JSONata"`, or write a path under a key that ends with `.$`'

RULE = LintRule(
    id="query-language",
    severity=Severity.ERROR,
    title="An expression is of the other query language",
    why="Nothing reads it there: it goes out as the text that it is, and nobody notices until the result is wrong.",
    fix="write it in the state's own query language",
    check=check,
    broken=(
        'Ask: {Type: Pass, Output: {"id.$": "$.id"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"id": "{% $states.input.id %}"}, End: true}',
    ),
    right=(
        'Ask: {Type: Pass, Output: {id: "{% $states.input.id %}"}, End: true}',
        '# JSONPath\nAsk: {Type: Pass, Parameters: {"id.$": "$.id"}, End: true}',
    ),
)
