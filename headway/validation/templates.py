"""State machines inside a CloudFormation or SAM template, and in the files that it names."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, Final

from headway.asl.places import Path
from headway.asl.reading import Read, Unreadable, read

KINDS: Final = ("AWS::Serverless::StateMachine", "AWS::StepFunctions::StateMachine")
_TYPES: Final = ("Type", "StateMachineType")
_SUBSTITUTIONS: Final = "DefinitionSubstitutions"


@dataclass(frozen=True, slots=True)
class TemplateMachine:
    """One machine of a template: its definition, where that stands, and what its placeholders are bound to."""

    document: Mapping[str, Any]
    path: Path
    kind: str
    bound: Mapping[str, Path] | None
    """Name -> where it is bound; None where the template does not say."""
    text: Read | None = None
    """The definition's own text, where it is a text within the template: places in it are not the template's."""


def is_template(document: Any) -> bool:
    """Tell whether a document has resources in it."""
    return isinstance(document, dict) and isinstance(document.get("Resources"), dict)


def machines_of(document: Mapping[str, Any]) -> Iterator[TemplateMachine]:
    """Yield the machines that a template defines itself."""
    for name, resource, properties in _resources(document):
        base: Path = ("Resources", name, "Properties")
        kind = next((str(properties[one]) for one in _TYPES if one in properties), "STANDARD")
        substitutions = properties.get(_SUBSTITUTIONS)
        bound = None
        if isinstance(substitutions, dict) or resource == KINDS[0]:
            bound = {key: (*base, _SUBSTITUTIONS, key) for key in substitutions or {}}
        for field in ("Definition", "DefinitionString"):
            definition = properties.get(field)
            if isinstance(definition, dict) and ("States" in definition or "StartAt" in definition):
                yield TemplateMachine(definition, (*base, field), kind, bound)
            elif (text := _text(definition)) and (inner := _read(text)):
                yield TemplateMachine(inner.value, (*base, field), kind, None, inner)


def files_of(document: Mapping[str, Any], template: File) -> Iterator[tuple[File, str, frozenset[str]]]:
    """Yield the files with definitions that a template names: path, kind, and what their placeholders are bound to."""
    for _, _, properties in _resources(document):
        uri = properties.get("DefinitionUri")
        path = template.parent / uri if isinstance(uri, str) and "${" not in uri else None
        if path is not None and path.is_file():
            kind = next((str(properties[one]) for one in _TYPES if one in properties), "STANDARD")
            yield path, kind, frozenset(properties.get(_SUBSTITUTIONS) or {})


def _resources(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, resource in document["Resources"].items():
        if isinstance(resource, dict) and resource.get("Type") in KINDS:
            properties = resource.get("Properties")
            if isinstance(properties, dict):
                yield name, resource["Type"], properties


def _text(definition: Any) -> str:
    """Return the text of a DefinitionString; what CloudFormation puts into it becomes a placeholder."""
    if isinstance(definition, str):
        return definition
    if isinstance(definition, dict) and "Fn::Sub" in definition:
        inner = definition["Fn::Sub"]
        return _text(inner[0] if isinstance(inner, list) and inner else inner)
    if isinstance(definition, dict) and "Fn::Join" in definition:
        separator, parts = (*definition["Fn::Join"], [])[:2]
        pieces = (
            [part if isinstance(part, str) else "${Token[it]}" for part in parts] if isinstance(parts, list) else []
        )
        return str(separator).join(pieces)
    return ""


def _read(text: str) -> Read | None:
    try:
        found = read(text, yaml=False)
    except Unreadable:
        return None
    return found if isinstance(found.value, dict) and json.dumps(found.value) else None
