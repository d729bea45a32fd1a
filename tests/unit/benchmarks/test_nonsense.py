"""Nonsense of every kind at the webhook of every preset: it gets a judgement, never an exception."""

import time
from collections import Counter

import pytest
from headway_cdk.configuration import load_contract
from headway_cdk.resources import CONFIGURATION
from headway_lane.contract.vendor import Vendor

from benchmarks.nonsense import raw
from headway.partner.judgement import judge
from headway.simulator.keys import VendorKeys

PRESETS = CONFIGURATION / "presets"
SILENT = "oracle-ohip"
"""It has no webhook."""
NAMES = sorted({path.stem for path in PRESETS.glob("*.yaml")} - {SILENT})
KEYS = VendorKeys(api_token="name:password", webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
URL = "https://callbacks.example/v/callbacks/any"


def vendor_of(name: str) -> Vendor:
    return Vendor.from_document(load_contract(PRESETS / f"{name}.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_without_a_key_is_forged_whatever_it_is(name: str) -> None:
    vendor = vendor_of(name)
    key = KEYS.webhook_key(vendor.callbacks().verification)
    for attempt in raw(vendor):
        judgement = judge(vendor.callbacks(), attempt.content, attempt.headers, [key], time.time(), URL)
        assert str(judgement.reason).startswith("forged: ")


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_that_the_vendor_has_signed_is_malformed_or_taken(name: str) -> None:
    vendor = vendor_of(name)
    key = KEYS.webhook_key(vendor.callbacks().verification)
    judged: Counter[str] = Counter()
    for attempt in raw(vendor):
        if signed := attempt.signed(vendor, key, URL):
            judgement = judge(vendor.callbacks(), signed.content, signed.headers, [key], time.time(), URL)
            judged[str(judgement.reason).partition(":")[0]] += 1
    assert set(judged) == {"malformed", "None"}
