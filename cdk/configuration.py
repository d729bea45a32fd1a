"""Vendor and tuning files: read, checked against their JSON Schemas, and turned into the functions' own model.

The schemas stay within draft-04, because AppConfig's validators take nothing newer: what is checked here at synth is
checked there at every deployment of a configuration.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError, best_match

from functions.contract.exchange import BodyFormat, Delivered, Header, Poll
from functions.contract.signature import Signature
from functions.contract.vendor import Pacing, Quantity, Scope, Vendor
from functions.limiter.tuning import Tuning


class ConfigurationError(Exception):
    """A configuration file cannot be used; the message is one line with the file, the field and the mend."""


@dataclass(frozen=True, slots=True)
class VendorFiles:
    """One vendor: its contract, as model and as document, and its tuning."""

    vendor: Vendor
    contract: Mapping[str, Any]
    tuning: Mapping[str, Any]


def load_vendors(directory: Path) -> Sequence[VendorFiles]:
    """Return all vendors of a configuration directory, sorted by name."""
    paths = sorted((directory / "vendors").glob("*.yaml"))
    if not paths:
        raise ConfigurationError(f"{directory / 'vendors'}: no vendor there; add a contract file <vendor>.yaml")
    return [_load(directory, path) for path in paths]


def schema(directory: Path, name: str) -> Mapping[str, Any]:
    """Return the JSON Schema `<name>.schema.json`."""
    document: Mapping[str, Any] = json.loads((directory / f"{name}.schema.json").read_text())
    return document


def load_contract(directory: Path, path: Path) -> Mapping[str, Any]:
    """Return the contract document of a file, checked by the schemas of a configuration directory and by itself."""
    contract = _read(path, schema(directory, "vendor"))
    if contract["vendor"] != path.stem:
        raise ConfigurationError(f"{path}: `vendor` is {contract['vendor']!r}; make it {path.stem!r}, like the file")
    _check_limits(path, contract["limits"])
    _check(path, Vendor.from_document(contract))
    return contract


def _load(directory: Path, path: Path) -> VendorFiles:
    contract = load_contract(directory, path)
    vendor = Vendor.from_document(contract)
    return VendorFiles(vendor=vendor, contract=contract, tuning=_tuning(directory, vendor))


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
    mistake = best_match(Draft4Validator(json_schema).iter_errors(document))
    if mistake is not None:
        said = _in_words(mistake)
        field = ".".join(str(part) for part in said.absolute_path) or "(top level)"
        raise ConfigurationError(f"{path}: `{field}`: {said.message}")
    result: Mapping[str, Any] = document
    return result


def _check_limits(path: Path, limits: Sequence[Mapping[str, Any]]) -> None:
    """Refuse two limits that say the same of the same calls: one of them is a slip, and nobody knows which."""
    first: dict[tuple[Any, ...], int] = {}
    for index, limit in enumerate(limits):
        same = (limit["quantity"], limit.get("scope"), limit.get("per_s"))
        if same in first:
            calls = limit["quantity"] == Quantity.CALLS
            what = f"calls of scope `{limit['scope']}` in {limit['per_s']:g} s" if calls else "jobs in flight"
            raise ConfigurationError(
                f"{path}: `limits.{index}`: limits {what}, and so does `limits.{first[same]}`; remove one of them"
            )
        first[same] = index


def _in_words(mistake: ValidationError) -> ValidationError:
    """Return the broken rule where the schema has words for it: of its two ways out, neither is the reason."""
    rule: Any = mistake
    if rule.validator == "anyOf" and "title" in rule.schema:  # neither way out is nearer than the other
        return ValidationError(f"{rule.instance!r} {rule.schema['title']}", path=rule.absolute_path)
    while rule is not None and (rule.validator != "anyOf" or "description" not in rule.schema):
        rule = rule.parent
    return mistake if rule is None else ValidationError(rule.schema["description"], path=rule.absolute_path)


def _check(path: Path, vendor: Vendor) -> None:
    """Refuse what no schema can say: fields that contradict each other."""
    dispatch, verification = vendor.dispatch, vendor.callback.verification
    if isinstance(verification, Signature) and verification.contradiction:
        raise ConfigurationError(f"{path}: `callback.verification`: {verification.contradiction}")
    if not vendor.limits_of(Scope.SUBMIT):
        raise ConfigurationError(f"{path}: `limits`: none counts submits; add one with `scope: submit`")
    if vendor.book_scope(Scope.SUBMIT) is Scope.ANY and dispatch.pacing is Pacing.DELAY:
        raise ConfigurationError(
            f"{path}: `dispatch.pacing`: with `delay` nobody counts submits together with polls;"
            " set `pacing: permits`, or limit `submit` and `poll` apart"
        )
    if dispatch.urgent_concurrency == 1:
        raise ConfigurationError(
            f"{path}: `dispatch.urgent_concurrency` is 1; make it 2 or more, an event source mapping takes no less,"
            " or 0 for a lane without an urgent queue"
        )
    if dispatch.reserved_concurrency < dispatch.dispatchers_count:
        raise ConfigurationError(
            f"{path}: `dispatch.reserved_concurrency` is {dispatch.reserved_concurrency}; make it"
            f" {dispatch.dispatchers_count} (`maximum_concurrency` + `urgent_concurrency`) at least, or polled"
            " batches are throttled"
        )
    if dispatch.provisioned_concurrency > dispatch.reserved_concurrency:
        raise ConfigurationError(
            f"{path}: `dispatch.provisioned_concurrency` is {dispatch.provisioned_concurrency}; make it"
            f" {dispatch.reserved_concurrency} (`reserved_concurrency`) at most"
        )
    if dispatch.direct and vendor.credential is not None:
        raise ConfigurationError(f"{path}: `dispatch.direct`: no function reads the secret; remove `credential`")
    if dispatch.direct and dispatch.pacing is not Pacing.DELAY:
        raise ConfigurationError(f"{path}: `dispatch.direct`: no function waits for a permit; set `pacing: delay`")
    _check_exchange(path, vendor)


def _check_exchange(path: Path, vendor: Vendor) -> None:
    """Refuse a submit or a callback that cannot be meant so."""
    submit, callback = vendor.submit, vendor.callback
    if vendor.dispatch.direct:
        if not isinstance(submit.callback_url, str) or "." in submit.callback_url:
            raise ConfigurationError(
                f"{path}: `dispatch.direct`: `submit.callback_url` must be a field at the top level"
            )
        if (
            isinstance(submit.job_id, Header)
            or submit.body is not BodyFormat.JSON
            or submit.query
            or submit.callback_key
        ):
            raise ConfigurationError(
                f"{path}: `dispatch.direct`: no function reads headers and secrets, or writes forms and queries;"
                " remove `direct`"
            )
    if vendor.poll:
        _check_poll(path, vendor, vendor.poll)
    if submit.body is BodyFormat.FORM and isinstance(submit.callback_url, str) and "." in submit.callback_url:
        raise ConfigurationError(f"{path}: `submit.callback_url`: a form has no objects; name a field without dots")
    if callback.body is BodyFormat.FORM and callback.events is not None:
        raise ConfigurationError(f"{path}: `callback.events`: a form has no lists of events; remove it")
    told = {"success": callback.success, "failure": callback.failure, "progress": callback.progress}
    told["ignored"] = callback.ignored
    if callback.status is None and any(told.values()):
        named = ", ".join(f"`callback.{name}`" for name, words in told.items() if words)
        raise ConfigurationError(f"{path}: {named} without `callback.status`: say where the status is")
    if callback.status is not None and not callback.success:
        raise ConfigurationError(f"{path}: `callback.success` is missing: say which statuses end a job well")
    for (name, words), (other, others) in combinations(told.items(), 2):
        if both := sorted(words & others):
            raise ConfigurationError(
                f"{path}: `callback.{name}` and `callback.{other}` both have {both[0]!r}; remove it from one"
            )


def _check_poll(path: Path, vendor: Vendor, poll: Poll) -> None:
    if isinstance(vendor.result, Delivered):
        raise ConfigurationError(f"{path}: `poll`: a job that is polled has called nobody back; fetch its `result`")
    if vendor.dispatch.direct:
        raise ConfigurationError(f"{path}: `dispatch.direct`: no function notes a job to be polled; remove `poll`")
    if poll.method == "HEAD" and poll.status is not None:
        raise ConfigurationError(f"{path}: `poll.status`: the answer to HEAD has no body; remove it, or use GET")
    if poll.after_s > vendor.waits.answer_s:
        raise ConfigurationError(
            f"{path}: `poll.after_s` is {poll.after_s}; make it {vendor.waits.answer_s} (`waits.answer_s`) at most"
        )
