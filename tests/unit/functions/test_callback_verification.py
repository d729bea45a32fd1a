"""Verifying callbacks: the published vector holds, and everything next to it is forged."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from functions.callback.verification import PRESETS
from functions.errors import Forged
from tests.unit.functions.fakes import SIGNED_AT, WEBHOOK_KEY, set_verification_time, signed

PRESET = PRESETS["standard-webhooks"]
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


@pytest.fixture(autouse=True)
def _now(at_signing_time: None) -> None:
    """Verify at the moment of the vector's timestamp."""


def verify(headers: dict[str, str], body: bytes = BODY, keys: Sequence[str] = (WEBHOOK_KEY,)) -> None:
    PRESET.verify(body, headers, keys)


def test_the_published_vector_is_accepted() -> None:
    verify(VECTOR)


def test_the_vectors_signature_is_what_the_vendor_computes() -> None:
    assert signed(BODY.decode(), message_id=VECTOR["webhook-id"]) == VECTOR


def test_the_callback_api_passes_on_every_header_that_is_needed() -> None:
    assert set(PRESET.headers) == set(VECTOR)


@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES)
def test_a_changed_header_is_forged(changes: dict[str, str]) -> None:
    with pytest.raises(Forged):
        verify(VECTOR | changes)


@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.parametrize(
    "alter", [lambda headers, name: headers.pop(name), lambda headers, name: headers.update({name: ""})]
)
def test_a_missing_or_empty_header_is_a_rejection_and_never_a_bypass(
    name: str, alter: Callable[[dict[str, str], str], None]
) -> None:
    headers = dict(VECTOR)
    alter(headers, name)
    with pytest.raises(Forged, match="Missing required headers"):
        verify(headers)


@pytest.mark.parametrize("body", [b"", BODY + b"\n", BODY.replace(b": ", b":"), BODY.replace(b"4}", b"5}")])
def test_an_altered_byte_is_forged(body: bytes) -> None:
    with pytest.raises(Forged, match="No matching signature"):
        verify(VECTOR, body)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((), "no key is configured"),
        (("",), "a configured key is empty"),
        (("whsec_",), "a configured key is empty"),
        (("!!!!",), "a configured key is empty"),
        (("whsec_A",), "unreadable signature"),
        ((OTHER_KEY,), "No matching signature"),
        ((OTHER_KEY, "whsec_"), "a configured key is empty"),
    ],
)
def test_a_wrong_an_empty_and_a_missing_key_verify_nothing(keys: Sequence[str], reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        verify(VECTOR, keys=keys)


@pytest.mark.parametrize(
    "keys", [(OTHER_KEY, WEBHOOK_KEY), (WEBHOOK_KEY, OTHER_KEY), ("whsec_", WEBHOOK_KEY), (WEBHOOK_KEY[6:],)]
)
def test_during_a_rotation_any_configured_key_verifies(keys: Sequence[str]) -> None:
    verify(VECTOR, keys=keys)


@pytest.mark.parametrize("others", ["v1,AAAA {}", "{} v1,AAAA", "v2,AAAA {}", "v1a,AAAA v1,BBBB {}"])
def test_one_good_signature_among_several_is_enough(others: str) -> None:
    verify(VECTOR | {"webhook-signature": others.format(SIGNATURE)})


@pytest.mark.parametrize(
    ("away_s", "reason"), [(-301, "too new"), (-300, None), (0, None), (300, None), (301, "too old")]
)
def test_five_minutes_are_tolerated_either_way(
    monkeypatch: pytest.MonkeyPatch, away_s: int, reason: str | None
) -> None:
    set_verification_time(monkeypatch, SIGNED_AT + timedelta(seconds=away_s))
    if reason is None:
        verify(VECTOR)
    else:
        with pytest.raises(Forged, match=reason):
            verify(VECTOR)


def test_no_refusal_repeats_a_key_or_a_signature() -> None:
    for headers, keys in ((VECTOR, (OTHER_KEY,)), (VECTOR | FORGERIES["no Base64"], (WEBHOOK_KEY,))):
        with pytest.raises(Forged) as refused:
            verify(headers, keys=keys)
        assert not any(secret in str(refused.value) for secret in (*keys, headers["webhook-signature"]))
