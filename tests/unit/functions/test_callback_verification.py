"""Verifying callbacks: the published vector holds, and everything next to it is forged."""

import base64
import hmac
from collections.abc import Sequence

import pytest

from functions.callback.verification import SCHEMES
from functions.errors import Forged
from tests.unit.functions.fakes import SIGNED_AT, WEBHOOK_KEY, signed

SCHEME = SCHEMES["standard-webhooks"]
BODY = b'{"test": 2432232314}'
OTHER_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SIGNATURE = VECTOR["webhook-signature"]
FORGERIES: dict[str, dict[str, str]] = {
    "another id": {"webhook-id": "msg_other"},
    "another timestamp": {"webhook-timestamp": "1614265331"},
    "a timestamp in words": {"webhook-timestamp": "yesterday"},
    "a timestamp that is no number": {"webhook-timestamp": "nan"},
    "an endless timestamp": {"webhook-timestamp": "inf"},
    "a timestamp with a fraction": {"webhook-timestamp": "1614265330.0"},
    "a timestamp beyond the calendar": {"webhook-timestamp": "9" * 15},
    "a timestamp beyond every number": {"webhook-timestamp": "9" * 5_000},
    "a signature of nothing": {"webhook-signature": "v1,"},
    "a cut signature": {"webhook-signature": SIGNATURE[:-4]},
    "no version": {"webhook-signature": SIGNATURE.removeprefix("v1,")},
    "an unknown version": {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
    "an asymmetric version": {"webhook-signature": SIGNATURE.replace("v1,", "v1a,")},
    "only wrong signatures": {"webhook-signature": "v1,AAAA v1,BBBB"},
    "no Base64": {"webhook-signature": "v1,g0hM9SsE+O"},
    "garbage": {"webhook-signature": "\x7f%%%,,, ,"},
    "beyond ASCII": {"webhook-signature": "v1,Grüße"},
}


def verify(
    headers: dict[str, str],
    body: bytes = BODY,
    keys: Sequence[str] = (WEBHOOK_KEY,),
    received_epoch_s: float = SIGNED_AT.timestamp(),
) -> None:
    """Verify a callback that came in at the moment of the vector's timestamp."""
    SCHEME.verify(body, headers, keys, received_epoch_s)


def test_the_published_vector_is_accepted() -> None:
    verify(VECTOR)


def test_the_vectors_signature_is_what_the_vendor_computes() -> None:
    assert signed(BODY.decode(), message_id=VECTOR["webhook-id"]) == VECTOR


def test_the_callback_api_passes_on_every_header_that_is_needed() -> None:
    assert set(SCHEME.headers) == set(VECTOR)


@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES)
def test_a_changed_header_is_forged(changes: dict[str, str]) -> None:
    with pytest.raises(Forged):
        verify(VECTOR | changes)


@pytest.mark.parametrize("name", VECTOR)
def test_a_missing_header_is_named_and_never_a_bypass(name: str) -> None:
    with pytest.raises(Forged, match=f"the header '{name}' is missing"):
        verify({header: value for header, value in VECTOR.items() if header != name})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("webhook-id", "no signature matches a key"),
        ("webhook-timestamp", "webhook-timestamp is not a time"),
        ("webhook-signature", "no signature matches a key"),
    ],
)
def test_an_empty_header_is_a_rejection_and_never_a_bypass(name: str, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        verify(VECTOR | {name: ""})


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY.replace(b": ", b":"), BODY.replace(b"4}", b"5}")])
def test_an_altered_byte_is_forged(body: bytes) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(VECTOR, body)


def test_a_body_that_is_no_text_is_forged() -> None:
    with pytest.raises(Forged, match="the body is not UTF-8"):
        verify(VECTOR, b"\xff")


@pytest.mark.parametrize(
    "keys",
    [(), ("",), ("whsec_",), ("!!!!",), ("whsec_A",), ("whsec_Grüße",), (OTHER_KEY,), (OTHER_KEY, "whsec_")],
)
def test_a_wrong_an_empty_an_unreadable_and_a_missing_key_verify_nothing(keys: Sequence[str]) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(VECTOR, keys=keys)


@pytest.mark.parametrize("key", ["", "whsec_", "!!!!"])
def test_what_anybody_signs_with_an_empty_key_is_forged(key: str) -> None:
    digest = hmac.new(b"", f"{VECTOR['webhook-id']}.{VECTOR['webhook-timestamp']}.".encode() + BODY, "sha256").digest()
    with pytest.raises(Forged):
        verify(VECTOR | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}, keys=(key,))


@pytest.mark.parametrize(
    "keys", [(OTHER_KEY, WEBHOOK_KEY), (WEBHOOK_KEY, OTHER_KEY), ("whsec_", WEBHOOK_KEY), (WEBHOOK_KEY[6:],)]
)
def test_during_a_rotation_any_configured_key_verifies(keys: Sequence[str]) -> None:
    verify(VECTOR, keys=keys)


@pytest.mark.parametrize("others", ["v1,AAAA {}", "{} v1,AAAA", "v2,AAAA {}", "v1a,AAAA v1,BBBB {}"])
def test_one_good_signature_among_several_is_enough(others: str) -> None:
    verify(VECTOR | {"webhook-signature": others.format(SIGNATURE)})


@pytest.mark.parametrize(
    ("away_s", "reason"),
    [
        (-300.001, "webhook-timestamp is in the future"),
        (-300, None),
        (0, None),
        (300, None),
        (300.001, "webhook-timestamp is old"),
    ],
)
def test_five_minutes_between_signature_and_receipt_are_tolerated_either_way(away_s: float, reason: str | None) -> None:
    received_epoch_s = SIGNED_AT.timestamp() + away_s
    if reason is None:
        verify(VECTOR, received_epoch_s=received_epoch_s)
    else:
        with pytest.raises(Forged, match=reason):
            verify(VECTOR, received_epoch_s=received_epoch_s)


def test_no_refusal_repeats_a_key_or_a_signature() -> None:
    for headers, keys in ((VECTOR, (OTHER_KEY,)), (VECTOR | FORGERIES["no Base64"], (WEBHOOK_KEY,))):
        with pytest.raises(Forged) as refused:
            verify(headers, keys=keys)
        assert not any(secret in str(refused.value) for secret in (*keys, headers["webhook-signature"]))
