"""What a lane's own numbers leave room for in its tuning."""

import json
from typing import Any

import pytest
from headway_cdk.configuration import broken_rule, schema
from headway_cdk.tuning_schema import tuning_schema
from headway_lane.contract.tuning import Tuning
from headway_lane.contract.vendor import Vendor
from jsonschema import Draft4Validator

from tests.unit.headway_lane.fakes import VENDOR_DOCUMENT

PACED: dict[str, Any] = {**VENDOR_DOCUMENT, "vendor": "acme", "dispatch": {"pacing": "permits"}}
DELAYED: dict[str, Any] = {**PACED, "dispatch": {"pacing": "delay", "urgent_concurrency": 0, "batch_size": 10}}
CONTRACT = {"quantity": "calls", "amount": 10, "per_s": 1, "scope": "submit"}


def mistake(contract: dict[str, Any], **tuning: Any) -> str:
    vendor = Vendor.from_document({**contract, "limits": [CONTRACT]})
    found = broken_rule({"delay_ms": 0, "rate_per_s": 10, **tuning}, tuning_schema(schema("tuning"), vendor))
    return f"{found[0][0]}: {found[1]}" if found else ""


@pytest.mark.parametrize(
    ("contract", "tuning", "words"),
    [
        (PACED, {"rate_per_s": 10.01}, "rate_per_s: above the contract of acme; make it 10 at most"),
        (PACED, {"delay_ms": -1}, "delay_ms: -1 is less than the minimum of 0"),
        (DELAYED, {"rate_per_s": 0.3}, "rate_per_s: so slow that a batch of 10 does not end within the dispatcher's"),
        (PACED, {"rate_per_s": "ten"}, "rate_per_s: 'ten' is not of type 'number'"),
    ],
)
def test_what_breaks_a_bound_is_said_with_the_bound(contract: dict[str, Any], tuning: Any, words: str) -> None:
    assert mistake(contract, **tuning).startswith(words)


@pytest.mark.parametrize("rate_per_s", [10, 9.5, 0.3])
def test_permits_take_any_rate_within_the_contract(rate_per_s: float) -> None:
    assert mistake(PACED, rate_per_s=rate_per_s) == ""


@pytest.mark.parametrize("contract", [PACED, DELAYED])
@pytest.mark.parametrize(("amount", "per_s"), [(10, 1), (1, 3), (1, 90), (7, 60)])
def test_the_usual_tuning_of_a_contract_fits_its_schema(contract: dict[str, Any], amount: int, per_s: int) -> None:
    vendor = Vendor.from_document({**contract, "limits": [{**CONTRACT, "amount": amount, "per_s": per_s}]})
    usual = Tuning.default_of(vendor)
    made = tuning_schema(schema("tuning"), vendor)
    Draft4Validator.check_schema(json.loads(json.dumps(made)))
    assert broken_rule({"delay_ms": usual.delay_ms, "rate_per_s": usual.rate_per_s}, made) is None
