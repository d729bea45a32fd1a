"""The webhook's OpenAPI document: what vendors really send satisfies it, and what says nothing does not."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.vendor import Vendor
from headway_lane.verification.schemes import scheme_of
from jsonschema import Draft202012Validator

from headway.partner.openapi import openapi

PRESETS = CONFIGURATION / "presets"
URL = "https://callbacks.example/v/callbacks"
VENDORS = [Vendor.from_document(load_contract(path)) for path in sorted(PRESETS.glob("*.yaml"))]
CALLBACKS = {vendor.name: vendor.callback for vendor in VENDORS if vendor.callback}
NAMES = list(CALLBACKS)


def operation_of(name: str) -> Mapping[str, Any]:
    document = openapi(name, CALLBACKS[name], f"{URL}/{name}")
    assert document["servers"] == [{"url": URL}]
    [(path, methods)] = document["paths"].items()
    assert path == f"/{name}"
    operation: Mapping[str, Any] = methods["post"]
    return operation


def schema_of(name: str) -> tuple[str, Draft202012Validator]:
    [(content_type, content)] = operation_of(name)["requestBody"]["content"].items()
    Draft202012Validator.check_schema(content["schema"])
    return content_type, Draft202012Validator(content["schema"])


@pytest.mark.parametrize("name", NAMES)
def test_what_the_vendor_sends_is_what_the_document_describes(name: str) -> None:
    content_type, schema = schema_of(name)
    form = content_type == "application/x-www-form-urlencoded"
    for sent in yaml.safe_load((PRESETS / "examples" / f"{name}.yaml").read_text())["callbacks"]:
        if sent["says"] != "ignored":
            body = dict(parse_qsl(sent["body"])) if form else json.loads(sent["body"])
            schema.validate(body)
    assert not schema.is_valid({})


@pytest.mark.parametrize("name", NAMES)
def test_the_signatures_headers_and_the_answers_are_in_it(name: str) -> None:
    operation, callback = operation_of(name), CALLBACKS[name]
    headers = [parameter["name"] for parameter in operation["parameters"] if parameter["required"]]
    assert tuple(headers) == scheme_of(callback.verification).headers
    stored = {status for status in operation["responses"] if status.startswith("2")}
    assert stored == {str(callback.acknowledgement.status)}


def test_a_job_id_and_a_status_in_one_object_are_two_fields_of_it() -> None:
    _, schema = schema_of("onfido")
    good = {"payload": {"action": "check.completed", "object": {"id": "a"}}}
    assert schema.is_valid(good)
    for bad in ({"payload": {"action": "check.completed"}}, {"payload": {"object": {"id": "a"}}}, {"payload": "a"}):
        assert not schema.is_valid(bad)
    assert not schema.is_valid({"payload": {"action": "exploded", "object": {"id": "a"}}})
