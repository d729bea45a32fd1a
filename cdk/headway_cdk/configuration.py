"""Vendor and tuning files: read, checked against their JSON Schemas, and turned into the functions' own model.

The schemas stay within draft-04, because AppConfig's validators take nothing newer: what is checked here at synth is
checked there at every deployment of a configuration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError, best_match

from headway_cdk.contradictions import contradictions
from headway_cdk.resources import CONFIGURATION


class ConfigurationError(Exception):
    """A configuration file cannot be used; the message is one line with the file, the field and the fix."""


@dataclass(frozen=True, slots=True)
class VendorFiles:
    """One vendor: its contract, as model and as document, and its tuning; and the schemas of both."""

    vendor: Vendor
    contract: Mapping[str, Any]
    tuning: Mapping[str, Any]
    contract_schema: Mapping[str, Any]
    tuning_schema: Mapping[str, Any]


def load_vendors(directory: Path) -> Sequence[VendorFiles]:
    """Return all vendors of a configuration directory, sorted by name."""
    paths = sorted((directory / "vendors").glob("*.yaml"))
    if not paths:
        raise ConfigurationError(f"{directory / 'vendors'}: no vendor there; add a contract file <vendor>.yaml")
    return [_load(directory, path) for path in paths]


def load_vendor(contract: Path, stage: str) -> VendorFiles:
    """Return one vendor by its contract file, with its tuning if it has one in `../tuning/`."""
    del stage
    return _load(contract.parent.parent, contract)


def schema(directory: Path, name: str) -> Mapping[str, Any]:
    """Return the JSON Schema `<name>.schema.json`; the package's, where the directory has none of its own."""
    path = directory / f"{name}.schema.json"
    document: Mapping[str, Any] = json.loads((path if path.exists() else CONFIGURATION / path.name).read_text())
    return document


def load_contract(directory: Path, path: Path) -> Mapping[str, Any]:
    """Return the contract document of a file, checked by the schemas of a configuration directory and by itself."""
    contract = _read(path, schema(directory, "vendor"))
    if contract["vendor"] != path.stem:
        raise ConfigurationError(f"{path}: `vendor` is {contract['vendor']!r}; make it {path.stem!r}, like the file")
    for contradiction in contradictions(contract, Vendor.from_document(contract)):
        raise ConfigurationError(f"{path}: {contradiction}")
    return contract


def _load(directory: Path, path: Path) -> VendorFiles:
    contract = load_contract(directory, path)
    vendor = Vendor.from_document(contract)
    return VendorFiles(
        vendor=vendor,
        contract=contract,
        tuning=_tuning(directory, vendor),
        contract_schema=schema(directory, "vendor"),
        tuning_schema=schema(directory, "tuning"),
    )


def _tuning(directory: Path, vendor: Vendor) -> Mapping[str, Any]:
    """Return the operator's tuning; where there is no file, the one that is drawn from the contract."""
    path = directory / "tuning" / f"{vendor.name}.yaml"
    if path.exists():
        return _read(path, schema(directory, "tuning"))
    default = Tuning.default_of(vendor)
    return {"delay_ms": default.delay_ms, "rate_per_s": default.rate_per_s}


def _read(path: Path, json_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if said := broken_rule(document, json_schema):
        field, message = said
        raise ConfigurationError(f"{path}: `{'.'.join(field) or '(top level)'}`: {message}")
    result: Mapping[str, Any] = document
    return result


def broken_rule(document: Any, json_schema: Mapping[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Return where a document breaks a schema, and how, in words; None where it does not."""
    mistake = best_match(Draft4Validator(json_schema).iter_errors(document))
    if mistake is None:
        return None
    said = _in_words(mistake)
    return tuple(str(part) for part in said.absolute_path), said.message


def _in_words(mistake: ValidationError) -> ValidationError:
    """Return the broken rule where the schema has words for it: of its two ways out, neither is the reason."""
    rule: Any = mistake
    if rule.validator == "anyOf" and "title" in rule.schema:  # neither way out is nearer than the other
        return ValidationError(f"{rule.instance!r} {rule.schema['title']}", path=rule.absolute_path)
    while rule is not None and (rule.validator != "anyOf" or "description" not in rule.schema):
        rule = rule.parent
    return mistake if rule is None else ValidationError(rule.schema["description"], path=rule.absolute_path)
