"""Presets with public keys, times in the body, signed values and other keys than texts: each with its negative table.

What signs here is another library than what verifies (`cryptography`), or `hmac` over the text that the vendor's
documentation gives.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from headway_lane.contract.signature_presets import described
from headway_lane.runtime.errors import Forged
from headway_lane.verification.keys import judged, keys_of
from headway_lane.verification.schemes import scheme_of

NOW_S = 1_800_000_000
URL = "https://callbacks.example/callbacks/acme"
BODY = b'{"id": "job-1", "data": {"id": "job-1"}, "webhookTimestamp": 1800000000123, "note": "x"}'
SECRET = "a-shared-secret-of-ours"
ED, OTHER_ED = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
EC, OTHER_EC = (ec.derive_private_key(number, ec.SECP256R1()) for number in (11, 12))
RSA, OTHER_RSA = (rsa.generate_private_key(65_537, 2_048) for _ in range(2))


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def der(key: ec.EllipticCurvePrivateKey) -> str:
    point = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(point).decode()


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.example")])
    begins = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, begins, begins + timedelta(days=9))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


def mac(key: bytes | str, message: bytes, kind: str = "sha256") -> bytes:
    return hmac.digest(key.encode() if isinstance(key, str) else key, message, kind)


def _fal(body: bytes, key: Ed25519PrivateKey) -> dict[str, str]:
    signed = f"req-1\nuser-1\n{NOW_S}\n{hashlib.sha256(body).hexdigest()}"
    names = ("request-id", "user-id", "timestamp", "signature")
    values = ("req-1", "user-1", str(NOW_S), key.sign(signed.encode()).hex())
    return {f"x-fal-webhook-{name}": value for name, value in zip(names, values, strict=True)}


def _telnyx(body: bytes, key: Ed25519PrivateKey) -> dict[str, str]:
    signature = key.sign(f"{NOW_S}|".encode() + body)
    return {"telnyx-timestamp": str(NOW_S), "telnyx-signature-ed25519": text(signature)}


def _sendgrid(body: bytes, key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    beginning = "x-twilio-email-event-webhook-"
    signature = key.sign(str(NOW_S).encode() + body, ec.ECDSA(hashes.SHA256()))
    return {f"{beginning}timestamp": str(NOW_S), f"{beginning}signature": text(signature)}


def _paypal(body: bytes, key: rsa.RSAPrivateKey) -> dict[str, str]:
    at = "2027-01-15T08:00:00Z"
    signature = key.sign(f"tr-1|{at}|WH-9|{zlib.crc32(body)}".encode(), padding.PKCS1v15(), hashes.SHA256())
    values = {"id": "tr-1", "time": at, "sig": text(signature)}
    return {f"paypal-transmission-{name}": value for name, value in values.items()}


def _svix(body: bytes, key: bytes) -> dict[str, str]:
    signature = text(mac(key, f"msg_1.{NOW_S}.".encode() + body))
    return {"svix-id": "msg_1", "svix-timestamp": str(NOW_S), "svix-signature": f"v1,AAAA v1,{signature} v2,BBBB"}


def _mercado_pago(body: bytes, key: str) -> dict[str, str]:
    job_id = json.loads(body)["data"]["id"]
    signature = mac(key, f"id:{job_id};request-id:req-9;ts:{NOW_S};".encode()).hex()
    return {"x-signature": f"ts={NOW_S},v1={signature}", "x-request-id": "req-9"}


def _linear(body: bytes, key: str) -> dict[str, str]:
    return {"linear-signature": mac(key, body).hex()}


def _twilio_json(body: bytes, key: str) -> dict[str, str]:
    place = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    return {"x-twilio-signature": text(mac(key, place.encode(), "sha1"))}


@dataclass(frozen=True)
class Preset:
    """How a preset's vendor signs: (body, its key) -> headers; two keys, and what of the first we are given."""

    sign: Callable[[bytes, object], Mapping[str, str]]
    key: object
    other: object
    ours: str
    others_ours: str
    description: object = None


def _url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


SVIX, OTHER_SVIX = b"k" * 24, b"o" * 24
PRESETS = {
    "fal": Preset(_fal, ED, OTHER_ED, _url_safe(raw(ED)), _url_safe(raw(OTHER_ED))),  # type: ignore[arg-type]
    "telnyx": Preset(_telnyx, ED, OTHER_ED, text(raw(ED)), text(raw(OTHER_ED))),  # type: ignore[arg-type]
    "sendgrid": Preset(_sendgrid, EC, OTHER_EC, der(EC), der(OTHER_EC)),  # type: ignore[arg-type]
    "paypal": Preset(
        _paypal,  # type: ignore[arg-type]
        RSA,
        OTHER_RSA,
        certificate(RSA),
        certificate(OTHER_RSA),
        {"preset": "paypal", "account": "WH-9"},
    ),
    "svix": Preset(_svix, SVIX, OTHER_SVIX, f"whsec_{text(SVIX)}", f"v1,whsec_{text(OTHER_SVIX)}"),  # type: ignore[arg-type]
    "linear": Preset(_linear, SECRET, "another", SECRET, "another"),  # type: ignore[arg-type]
    "mercado-pago": Preset(_mercado_pago, SECRET, "another", SECRET, "another"),  # type: ignore[arg-type]
    "twilio-json": Preset(_twilio_json, SECRET, "another", SECRET, "another"),  # type: ignore[arg-type]
}
TIMED = {name: 301 for name in PRESETS if name != "twilio-json"} | {"linear": 62}


def verify(name: str, headers: Mapping[str, str], keys: list[str], body: bytes = BODY, at_s: float = NOW_S) -> None:
    said = PRESETS[name].description or name
    scheme_of(described(said)).verify(body, headers, keys, at_s, URL)  # type: ignore[arg-type]


@pytest.fixture(params=PRESETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_the_vendor_signs_is_accepted_with_its_key_and_during_a_rotation(name: str) -> None:
    preset = PRESETS[name]
    headers = preset.sign(BODY, preset.key)
    for keys in ([preset.ours], [preset.others_ours, preset.ours], ["!", preset.ours]):
        verify(name, headers, keys)


def test_another_key_and_none_verify_nothing(name: str) -> None:
    preset = PRESETS[name]
    headers = preset.sign(BODY, preset.key)
    for keys in ([preset.others_ours], [], ["!"]):
        with pytest.raises(Forged, match="no signature matches a key"):
            verify(name, headers, keys)
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(name, preset.sign(BODY, preset.other), [preset.ours])


def test_another_body_is_forged(name: str) -> None:
    """Where single values are signed, another of them is."""
    preset = PRESETS[name]
    changed = BODY.replace(b'"job-1"', b'"job-2"')
    with pytest.raises(Forged, match="no signature matches a key"):
        verify(name, preset.sign(BODY, preset.key), [preset.ours], changed)


def test_without_any_of_its_headers_or_with_garbage_in_one_it_is_forged(name: str) -> None:
    preset = PRESETS[name]
    headers = dict(preset.sign(BODY, preset.key))
    for missing in headers:
        with pytest.raises(Forged):
            verify(name, {other: value for other, value in headers.items() if other != missing}, [preset.ours])
        for garbage in ("", " ", "=", "v1=", "%%%", "Grüße", "\ud800", "0" * 64, "AAAA", "x" * 20_000):
            with pytest.raises(Forged):
                verify(name, headers | {missing: garbage}, [preset.ours])


@pytest.mark.parametrize("name", TIMED)
def test_an_old_and_a_future_callback_are_forged(name: str) -> None:
    preset = PRESETS[name]
    headers = preset.sign(BODY, preset.key)
    for away_s, reason in ((TIMED[name], "is old"), (-TIMED[name], "is in the future")):
        with pytest.raises(Forged, match=reason):
            verify(name, headers, [preset.ours], at_s=NOW_S + away_s)


@pytest.mark.parametrize("name", ["fal", "telnyx", "sendgrid", "paypal"])
def test_a_public_key_of_another_kind_is_refused_with_a_hint_that_does_not_repeat_it(name: str) -> None:
    said = PRESETS[name].description or name
    wrong = [
        SECRET,
        der(EC) if name != "sendgrid" else text(raw(ED)),
        raw(ED).hex()[:40],
        "-----BEGIN PRIVATE KEY-----",
    ]
    for key in wrong:
        found = judged([key], described(said))  # type: ignore[arg-type]
        assert found.usable == []
        assert [key in hint for hint in found.refused] == [False]


def test_two_certificates_in_a_secret_are_two_keys() -> None:
    ours = certificate(RSA) + certificate(OTHER_RSA)
    assert len(keys_of(ours)) == 2
    verify("paypal", _paypal(BODY, OTHER_RSA), keys_of(ours))


def test_a_weak_rsa_key_is_none() -> None:
    weak = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - what is refused
    found = judged([certificate(weak)], described({"preset": "paypal", "account": "WH-9"}))
    assert (found.usable, len(found.refused)) == ([], 1)


def test_more_public_key_signatures_than_are_tried_are_refused_before_any_is() -> None:
    labelled = {"algorithm": "ed25519", "header": "X-S", "signature_label": "v1", "key_encoding": "hex"}
    keys = [raw(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)).hex() for number in range(1, 9)]
    headers = {"x-s": ",".join(["v1=" + "00" * 64] * 3)}
    with pytest.raises(Forged, match="more signatures than are tried"):
        scheme_of(described(labelled)).verify(BODY, headers, keys, NOW_S)
