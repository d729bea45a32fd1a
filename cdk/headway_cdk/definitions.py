"""State machine definitions: ASL files with their `${Placeholders}` bound.

A placeholder that is a whole string and bound to a number or an object becomes that JSON value, so the files stay JSON;
a placeholder bound to text stays for CloudFormation to substitute, because ARNs are known only there. In an author's
file, text that is known is written in here, since CloudFormation would not escape what stands in it.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from headway_cdk.configuration import ConfigurationError
from headway_cdk.placeholders import PLACEHOLDER, Binding
from headway_cdk.resources import WORKFLOWS


class UnboundPlaceholder(Exception):  # noqa: N818
    """A file and its bindings do not fit: a placeholder without a value, or a value that nothing uses."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition string, and what CloudFormation has to put into it."""

    text: str
    substitutions: Mapping[str, str]


def bind(name: str, values: Mapping[str, Any]) -> Definition:
    """Bind the placeholders of the package's `workflows/<name>.asl.json`; all of them, with all of `values`."""
    document = json.loads((WORKFLOWS / f"{name}.asl.json").read_text())
    wanted = _placeholders_of(document)
    if wanted != set(values):
        raise UnboundPlaceholder(
            f"workflows/{name}.asl.json: without a value: {sorted(wanted - set(values))};"
            f" never used: {sorted(set(values) - wanted)}"
        )
    return _definition(document, values, {name: value for name, value in values.items() if not isinstance(value, str)})


def bind_file(path: Path, bound: Mapping[str, Binding]) -> Definition:
    """Bind an author's file with what it uses out of `bound`; ConfigurationError where it names something else."""
    return bind_document(read_document(path), bound, str(path))


def bind_document(document: Any, bound: Mapping[str, Binding], origin: str) -> Definition:
    """Bind what was read from `origin` in the same way."""
    for name, advice in unbound(document, bound):
        raise ConfigurationError(f"{origin}: `${{{name}}}` stands for nothing; {advice}")
    wanted = _placeholders_of(document)
    values = {name: bound[name].value for name in sorted(wanted)}
    known = {name: value for name, value in values.items() if "${" not in str(value)}  # which every token of CDK has
    return _definition(document, values, known)


def unbound(document: Any, bound: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the placeholders of a document that stand for nothing, sorted, each with what to write in its place."""
    for name in sorted(_placeholders_of(document) - set(bound)):
        near = get_close_matches(name, bound, n=1, cutoff=0)
        yield (
            name,
            f"did you mean `${{{near[0]}}}`?" if near else "there are no vendors, functions, tables, buckets, settings",
        )


def read_document(path: Path) -> Any:
    """Read an ASL file; ConfigurationError where it is no JSON object."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}: not a JSON object; a state machine has `StartAt` and `States`")
    return document


def vendors_of(document: Any, bound: Mapping[str, Binding]) -> list[str]:
    """Return the vendors whose lanes a document names, sorted."""
    return sorted({bound[name].vendor for name in _placeholders_of(document) if name in bound and bound[name].vendor})


def _definition(document: Any, values: Mapping[str, Any], known: Mapping[str, Any]) -> Definition:
    """Write in what is `known` of all values, and leave the rest to CloudFormation."""
    text = json.dumps(_replace(document, known), indent=1, ensure_ascii=False)
    left = set(PLACEHOLDER.findall(text))
    return Definition(text=text, substitutions={name: str(value) for name, value in values.items() if name in left})


def _placeholders_of(document: Any) -> set[str]:
    return set(PLACEHOLDER.findall(json.dumps(document)))


def _replace(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _replace(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_replace(value, values) for value in node]
    if not isinstance(node, str):
        return node
    whole = PLACEHOLDER.fullmatch(node)
    if whole and whole.group(1) in values:
        return values[whole.group(1)]
    within = _in_expression if node.startswith("{%") else _in_text
    return PLACEHOLDER.sub(
        lambda match: within(values[match.group(1)]) if match.group(1) in values else match.group(0), node
    )


def _in_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _in_expression(value: Any) -> str:
    """Write a text so that it stays inside the quotes around it: JSONata knows JSON's escapes, and none for `'`."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)[1:-1].replace("'", "\\u0027")
