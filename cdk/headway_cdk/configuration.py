"""Vendor and tuning files: read, checked against their JSON Schemas, and turned into the functions' own model.

The schemas stay within draft-04, because AppConfig's validators take nothing newer: what is checked here at synth is
checked there at every deployment of a configuration.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor

from headway_cdk.contradictions import contradictions
from headway_cdk.resources import CONFIGURATION
from headway_cdk.stages import DEFAULT_STAGE, STAGE_PATTERN, StageUnshared, contract_of
from headway_cdk.tuning_schema import most_per_s, tuning_schema

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


class ConfigurationError(Exception):
    """A configuration file cannot be used; the message is one line with the file, the field and the fix."""


@dataclass(frozen=True, slots=True)
class VendorFiles:
    """One vendor: its contract as a stage has it, as model and as document, and its tuning."""

    vendor: Vendor
    contract: Mapping[str, Any]
    tuning: Mapping[str, Any]


def checked_stage(stage: str) -> str:
    """Return the name of a stage; ConfigurationError for one that stacks, roles and parameters cannot carry."""
    if not re.fullmatch(STAGE_PATTERN, stage):
        raise ConfigurationError(
            f"the stage {stage!r}: use 12 lower-case characters and digits at most, no digit first"
        )
    return stage


def load_vendors(directory: Path, stage: str = DEFAULT_STAGE) -> Sequence[VendorFiles]:
    """Return all vendors of a configuration directory as a stage has them, sorted by name."""
    return [load_vendor(path, stage) for path in _contract_paths(directory)]


def check_vendors(directory: Path) -> None:
    """Check contracts and tunings of all vendors of a configuration directory, for whichever stages they are."""
    for path in _contract_paths(directory):
        _tuning(Vendor.from_document(whole_contract(path)), directory)


def load_vendor(path: Path, stage: str = DEFAULT_STAGE) -> VendorFiles:
    """Return one vendor as a stage has it, by its contract file; its tuning is in `../tuning/`, if it has one."""
    contract = load_contract(path, stage)
    vendor = Vendor.from_document(contract)
    return VendorFiles(vendor=vendor, contract=contract, tuning=_tuning(vendor, path.parent.parent))


def schema(name: str) -> Mapping[str, Any]:
    """Return the JSON Schema `<name>.schema.json`."""
    document: Mapping[str, Any] = json.loads((CONFIGURATION / f"{name}.schema.json").read_text())
    return document


def load_contract(path: Path, stage: str = DEFAULT_STAGE) -> Mapping[str, Any]:
    """Return the contract document of a file as a stage has it, checked like the whole."""
    try:
        return contract_of(whole_contract(path), stage)
    except StageUnshared as unshared:
        raise ConfigurationError(f"{path}: {unshared}") from unshared


def whole_contract(path: Path) -> Mapping[str, Any]:
    """Return the contract document of a file, for all the stages that share it, checked by the schema and by
    itself.
    """
    contract = _read(path, schema("vendor"))
    if contract["vendor"] != path.stem:
        raise ConfigurationError(f"{path}: `vendor` is {contract['vendor']!r}; make it {path.stem!r}, like the file")
    for contradiction in contradictions(contract, Vendor.from_document(contract)):
        raise ConfigurationError(f"{path}: {contradiction}")
    return contract


def _contract_paths(directory: Path) -> Sequence[Path]:
    paths = sorted((directory / "vendors").glob("*.yaml"))
    if not paths:
        raise ConfigurationError(f"{directory / 'vendors'}: no vendor there; add a contract file <vendor>.yaml")
    return paths


def _tuning(vendor: Vendor, directory: Path) -> Mapping[str, Any]:
    """Return the operator's tuning; where there is no file, the one that is drawn from the contract.

    One file is for all stages, and outlives a contract that was lowered: the contract is the ceiling of its rate.
    """
    path = directory / "tuning" / f"{vendor.name}.yaml"
    if path.exists():
        document = _read(path, schema("tuning"))
        capped = {**document, "rate_per_s": min(document["rate_per_s"], most_per_s(vendor))}
        return _checked(path, capped, tuning_schema(schema("tuning"), vendor))
    default = Tuning.default_of(vendor)
    return {"delay_ms": default.delay_ms, "rate_per_s": default.rate_per_s}


def _read(path: Path, json_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: there is no such file") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    return _checked(path, document, json_schema)


def _checked(path: Path, document: Any, json_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if said := broken_rule(document, json_schema):
        field, message = said
        raise ConfigurationError(f"{path}: `{'.'.join(field) or '(top level)'}`: {message}")
    result: Mapping[str, Any] = document
    return result


def broken_rule(document: Any, json_schema: Mapping[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Return where a document breaks a schema, and how, in words; None where it does not."""
    from jsonschema import Draft4Validator  # here: it takes as long to load as all the rest of a project
    from jsonschema.exceptions import best_match

    mistake = best_match(Draft4Validator(json_schema).iter_errors(document))
    if mistake is None:
        return None
    said = _in_words(mistake)
    return tuple(str(part) for part in said.absolute_path), said.message


def _in_words(mistake: "ValidationError") -> "ValidationError":
    """Return the broken rule where the schema has words for it: of its two ways out, neither is the reason."""
    from jsonschema.exceptions import ValidationError

    rule: Any = mistake
    if rule.validator == "anyOf" and "title" in rule.schema:  # neither way out is nearer than the other
        return ValidationError(f"{rule.instance!r} {rule.schema['title']}", path=rule.absolute_path)
    while rule is not None and (rule.validator != "anyOf" or "description" not in rule.schema):
        rule = rule.parent
    return mistake if rule is None else ValidationError(rule.schema["description"], path=rule.absolute_path)
