"""Verifying callbacks: the published vector holds, and everything next to it is forged."""

import base64
import hmac
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from headway_lane.runtime.errors import Forged
from headway_lane.verification.schemes import SCHEMES

from tests.unit.headway_lane.fakes import SIGNED_AT, WEBHOOK_KEY, signed

SCHEME = SCHEMES["standard-webhooks"]
BODY = b'{"test": 2432232314}'
OTHER_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
OLDER = {name.replace("webhook-", "svix-"): value for name, value in VECTOR.items()}
SIGNATURE = VECTOR["webhook-signature"]
FORGERIES: dict[str, dict[str, str]] = {
    "another id": {"webhook-id": "msg_other"},
    "another timestamp": {"webhook-timestamp": "1614265331"},
    "a timestamp in words": {"webhook-timestamp": "yesterday"},
    "a timestamp that is no number": {"webhook-timestamp": "nan"},
    "an endless timestamp": {"webhook-timestamp": "inf"},
    "a timestamp with a fraction": {"webhook-timestamp": "1614265330.0"},
    "a timestamp beyond the calendar": {"webhook-timestamp": "9" * 15},
    "a timestamp of 400 digits": {"webhook-timestamp": "9" * 400},
    "a timestamp before time": {"webhook-timestamp": "-1614265330"},
    "a timestamp in other digits": {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
    "a timestamp with white space": {"webhook-timestamp": " 1614265330"},
    "half a surrogate pair in the id": {"webhook-id": "\ud800"},
    "half a surrogate pair in the signature": {"webhook-signature": "v1,\ud800 v1a,\ud800"},
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


def test_the_older_names_of_its_headers_are_taken_whole_and_never_beside_the_newer() -> None:
    verify(OLDER)
    for name in VECTOR:
        with pytest.raises(Forged, match="is missing"):
            verify({**OLDER, name: VECTOR[name]} | {})


def test_a_secret_is_taken_as_a_console_shows_it() -> None:
    verify(VECTOR, keys=[f"v1,{WEBHOOK_KEY}"])


def test_the_vectors_signature_is_what_the_vendor_computes() -> None:
    assert signed(BODY.decode(), message_id=VECTOR["webhook-id"]) == VECTOR


def test_the_callback_api_passes_on_every_header_that_is_needed() -> None:
    assert set(SCHEME.headers) == set(VECTOR) | set(OLDER)


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


def test_a_body_that_is_no_text_is_verified_byte_for_byte() -> None:
    body = b'{"test": "\xff"}'
    key = base64.b64decode(WEBHOOK_KEY.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{VECTOR['webhook-id']}.{VECTOR['webhook-timestamp']}.".encode() + body, "sha256")
    headers = VECTOR | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}
    verify(headers, body)
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(headers, body.decode(errors="replace").encode())


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


@pytest.mark.parametrize("keys", [(OTHER_KEY, WEBHOOK_KEY), (WEBHOOK_KEY, OTHER_KEY), ("whsec_", WEBHOOK_KEY)])
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


SECRET_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
"""RFC 8032, section 7.1, test 1; the public key there is PUBLIC, which the other library computes for itself."""
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
PUBLIC_KEY = f"whpk_{base64.b64encode(PUBLIC).decode()}"
SIGNER = Ed25519PrivateKey.from_private_bytes(SECRET_SEED)


def asymmetric(body: bytes = BODY, signer: Ed25519PrivateKey = SIGNER, **changes: str) -> dict[str, str]:
    """Return the headers of v1a, signed by another library than the one that verifies."""
    headers = VECTOR | {name.replace("_", "-"): value for name, value in changes.items()}
    signature = signer.sign(f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body)
    return headers | {"webhook-signature": f"v1a,{base64.b64encode(signature).decode()}"}


def test_the_key_of_the_rfc_is_the_one_that_signs() -> None:
    assert SIGNER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) == PUBLIC


def test_a_public_key_verifies_v1a_byte_for_byte() -> None:
    verify(asymmetric(), keys=[PUBLIC_KEY])
    verify(asymmetric(b"\xff\x00"), b"\xff\x00", keys=[PUBLIC_KEY])


ASYMMETRIC_FORGERIES = {
    "another key": asymmetric(signer=Ed25519PrivateKey.from_private_bytes(SECRET_SEED[::-1])),
    "another body": asymmetric(BODY + b" "),
    "another id": asymmetric() | {"webhook-id": "msg_other"},
    "the symmetric version": {name: value.replace("v1a,", "v1,") for name, value in asymmetric().items()},
    "a cut signature": asymmetric() | {"webhook-signature": asymmetric()["webhook-signature"][:-8]},
    "no signature": asymmetric() | {"webhook-signature": "v1a,"},
    "garbage": asymmetric() | {"webhook-signature": "v1a,Gr\u00fc\u00dfe"},
    "zeros": asymmetric() | {"webhook-signature": f"v1a,{base64.b64encode(bytes(64)).decode()}"},
}


@pytest.mark.parametrize("headers", ASYMMETRIC_FORGERIES.values(), ids=ASYMMETRIC_FORGERIES)
def test_what_the_private_key_has_not_signed_is_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(headers, keys=[PUBLIC_KEY])


@pytest.mark.parametrize(
    ("at", "reason"),
    [("1614265629", "webhook-timestamp is in the future"), ("1614265030", "webhook-timestamp is old")],
)
def test_v1a_has_the_same_tolerance(at: str, reason: str) -> None:
    headers = asymmetric(webhook_timestamp=at)
    verify(headers, keys=[PUBLIC_KEY])
    away_s = 301 if reason.endswith("old") else -301
    with pytest.raises(Forged, match=reason):
        verify(headers, keys=[PUBLIC_KEY], received_epoch_s=int(at) + away_s)


def test_whoever_knows_the_public_key_cannot_sign_with_it() -> None:
    signed_text = f"{VECTOR['webhook-id']}.{VECTOR['webhook-timestamp']}.".encode() + BODY
    for secret in (PUBLIC, PUBLIC_KEY.encode(), base64.b64encode(PUBLIC)):
        digest = base64.b64encode(hmac.digest(secret, signed_text, "sha256")).decode()
        with pytest.raises(Forged):
            verify(VECTOR | {"webhook-signature": f"v1,{digest}"}, keys=[PUBLIC_KEY])


@pytest.mark.parametrize("key", ["whpk_", "whpk_!!!!", "whpk_AAAA", f"whpk_{base64.b64encode(bytes(64)).decode()}"])
def test_an_empty_and_an_unreadable_public_key_verify_nothing(key: str) -> None:
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(asymmetric(), keys=[key])


def test_a_public_key_verifies_during_its_rotation_and_beside_a_secret() -> None:
    other = f"whpk_{base64.b64encode(SIGNER.sign(b'')[:32]).decode()}"
    for keys in ([PUBLIC_KEY, other], [other, PUBLIC_KEY], [WEBHOOK_KEY, PUBLIC_KEY]):
        verify(asymmetric(), keys=keys)
    verify(VECTOR, keys=[PUBLIC_KEY, WEBHOOK_KEY])
