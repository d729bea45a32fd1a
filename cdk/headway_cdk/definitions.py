"""State machine definitions: ASL files of `workflows/` with their `${Placeholders}` bound.

A placeholder that is a whole string and bound to a number or an object becomes that JSON value, so the files stay JSON;
a placeholder bound to text stays for CloudFormation to substitute, because ARNs are known only there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headway_cdk.resources import WORKFLOWS

_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z]+)\}")


class UnboundPlaceholder(Exception):  # noqa: N818
    """A file and its bindings do not fit: a placeholder without a value, or a value that nothing uses."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition string, and what CloudFormation has to put into it."""

    text: str
    substitutions: Mapping[str, str]


def bind(name: str, values: Mapping[str, Any]) -> Definition:
    """Bind the placeholders of `workflows/<name>.asl.json`; all of them, with all of `values`."""
    document = json.loads((WORKFLOWS / f"{name}.asl.json").read_text())
    wanted = set(_PLACEHOLDER.findall(json.dumps(document)))
    if wanted != set(values):
        raise UnboundPlaceholder(
            f"workflows/{name}.asl.json: without a value: {sorted(wanted - set(values))};"
            f" never used: {sorted(set(values) - wanted)}"
        )
    bound = _replace(document, {key: value for key, value in values.items() if not isinstance(value, str)})
    text = json.dumps(bound, indent=1, ensure_ascii=False)
    left = set(_PLACEHOLDER.findall(text))
    return Definition(
        text=text, substitutions={key: value for key, value in values.items() if isinstance(value, str) and key in left}
    )


def _replace(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _replace(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_replace(value, values) for value in node]
    if not isinstance(node, str):
        return node
    whole = _PLACEHOLDER.fullmatch(node)
    if whole and whole.group(1) in values:
        return values[whole.group(1)]
    return _PLACEHOLDER.sub(lambda match: str(values.get(match.group(1), match.group(0))), node)
