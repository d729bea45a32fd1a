"""Adyen signs each event in the body: its published vector holds, and next to it is a table of forgeries."""

import json
from typing import Any

import pytest
from headway_lane.contract import paths
from headway_lane.runtime.errors import Forged
from headway_lane.verification.adyen import verify

KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
OTHER_KEY = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
ITEM: dict[str, Any] = {
    "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
    "amount": {"value": 1130, "currency": "EUR"},
    "pspReference": "7914073381342284",
    "eventCode": "AUTHORISATION",
    "merchantAccountCode": "TestMerchant",
    "merchantReference": "TestPayment-1407325143704",
    "success": "true",
}
"""The vector of Adyen's documentation and of the tests of its libraries."""


def body(*items: Any) -> bytes:
    return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": i} for i in items]}).encode()


def check(raw: bytes, *keys: str) -> None:
    verify(raw, {}, keys, 0)


@pytest.mark.parametrize("keys", [(KEY,), (KEY.lower(),), (OTHER_KEY, KEY), ("not hexadecimal", "", KEY)])
def test_adyens_published_vector_is_accepted(keys: tuple[str, ...]) -> None:
    check(body(ITEM), *keys)
    check(body(ITEM, ITEM), *keys)


def test_success_may_be_a_boolean_too() -> None:
    check(body({**ITEM, "success": True}), KEY)


@pytest.mark.parametrize("keys", [(), ("",), ("not hexadecimal",), (OTHER_KEY,)])
def test_a_wrong_an_empty_and_a_missing_key_verify_nothing(keys: tuple[str, ...]) -> None:
    with pytest.raises(Forged, match="the signature of an event matches no key"):
        check(body(ITEM), *keys)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("success", "false"),
        ("amount.value", 1131),
        ("amount.currency", "USD"),
        ("pspReference", "7914073381342285"),
        ("originalReference", "7914073381342284"),
        ("merchantAccountCode", "Other"),
        ("merchantReference", "Other"),
        ("eventCode", "CAPTURE"),
    ],
)
def test_every_signed_field_counts(path: str, value: Any) -> None:
    with pytest.raises(Forged, match="the signature of an event matches no key"):
        check(body(paths.write(ITEM, path, value)), KEY)


@pytest.mark.parametrize("path", ["pspReference", "additionalData.hmacSignature"])
def test_half_a_surrogate_pair_is_forged_and_breaks_nothing(path: str) -> None:
    with pytest.raises(Forged, match="the signature of an event matches no key"):
        check(body(paths.write(ITEM, path, "\ud83d")), KEY)


def test_one_forged_event_among_good_ones_is_enough_to_refuse_all() -> None:
    with pytest.raises(Forged, match="the signature of an event matches no key"):
        check(body(ITEM, {**ITEM, "success": "false"}), KEY)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"{}", "has no events at `notificationItems`"),
        (b'{"notificationItems": []}', "has no events at `notificationItems`"),
        (b'{"notificationItems": {}}', "has no events at `notificationItems`"),
        (b'{"notificationItems": ["text"]}', "an event has no `NotificationRequestItem`"),
        (body(None), "an event has no `NotificationRequestItem`"),
        (body({**ITEM, "additionalData": {}}), "an event has no `additionalData.hmacSignature`"),
        (body({**ITEM, "additionalData": {"hmacSignature": 1}}), "an event has no `additionalData.hmacSignature`"),
    ],
)
def test_a_missing_signature_is_a_refusal_and_never_a_bypass(raw: bytes, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        check(raw, KEY)
