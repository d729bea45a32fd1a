"""Amazon SNS: what its certificate has signed is believed, of the topics that were entered, and nothing else."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from headway_lane.callback import event
from headway_lane.callback.event import EventKind
from headway_lane.contract.exchange import Callback
from headway_lane.runtime.errors import Forged, Malformed
from headway_lane.verification import sns
from headway_lane.verification.schemes import SCHEMES

TOPIC = "arn:aws:sns:eu-central-1:123456789012:checks"
CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-5f3c.pem"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
EVENT = {"type": "report.completed", "data": {"object": {"id": "job-1"}}}
NOTIFICATION: Mapping[str, Any] = {
    "Type": "Notification",
    "MessageId": "m-1",
    "TopicArn": TOPIC,
    "Subject": "a report",
    "Message": json.dumps(EVENT),
    "Timestamp": "2026-11-21T12:00:00.000Z",
    "SigningCertURL": CERTIFICATE_URL,
}
CONFIRMATION: Mapping[str, Any] = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "m-2",
    "Token": "token-1",
    "TopicArn": TOPIC,
    "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=token-1",
    "Timestamp": "2026-11-21T12:00:00.000Z",
    "SigningCertURL": CERTIFICATE_URL,
}
ORDER = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}
CONTRACT = Callback.from_document(
    {
        "body": "sns",
        "job_id": "data.object.id",
        "status": "type",
        "success": ["report.completed"],
        "verification": "sns",
    }
)


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


CERTIFICATE = certificate_of(KEY)


def signed(message: Mapping[str, Any], key: rsa.RSAPrivateKey = KEY, version: str = "2") -> bytes:
    """Sign a message as SNS documents it."""
    text = "".join(f"{name}\n{message[name]}\n" for name in ORDER[message["Type"]] if name in message)
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS's version 1
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()
    return json.dumps({**message, "SignatureVersion": version, "Signature": signature}).encode()


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Serve the certificate, and note which addresses are asked."""
    noted: list[str] = []

    def get(place: str, timeout: float) -> httpx.Response:
        noted.append(place)
        return httpx.Response(200, text=CERTIFICATE, request=httpx.Request("GET", place))

    monkeypatch.setattr(httpx, "get", get)
    sns.certificate.cache_clear()
    return noted


def verify(body: bytes, keys: tuple[str, ...] = (TOPIC,), away_s: float = 0) -> None:
    SCHEMES["sns"].verify(body, {}, keys, NOW.timestamp() + away_s)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("message", [NOTIFICATION, CONFIRMATION], ids=["notification", "confirmation"])
def test_what_sns_has_signed_is_believed(message: Mapping[str, Any], version: str, asked: list[str]) -> None:
    for _ in range(2):
        verify(signed(message, version=version))
    assert asked == [CERTIFICATE_URL], "a certificate is fetched once"


def test_a_message_without_a_subject_is_signed_without_it() -> None:
    verify(signed({name: value for name, value in NOTIFICATION.items() if name != "Subject"}))


def altered(**changes: Any) -> bytes:
    return json.dumps({**json.loads(signed(NOTIFICATION)), **changes}).encode()


FORGERIES = {
    "another message": (altered(Message='{"type": "report.completed"}'), "not that of the certificate"),
    "another key": (signed(NOTIFICATION, OTHER_KEY), "not that of the certificate"),
    "a cut signature": (altered(Signature="AAAA"), "not that of the certificate"),
    "no base64": (altered(Signature="%"), "missing or unreadable"),
    "no signature": (altered(Signature=None), "missing or unreadable|not that of the certificate"),
    "an unknown version": (altered(SignatureVersion="3"), "missing or unreadable"),
    "another topic": (signed({**NOTIFICATION, "TopicArn": f"{TOPIC}-2"}), "the topic is none of the keys"),
    "another host": (
        altered(SigningCertURL="https://sns.eu-central-1.amazonaws.com.evil.example/a.pem"),
        "not of Amazon",
    ),
    "no encryption": (altered(SigningCertURL=CERTIFICATE_URL.replace("https", "http")), "not of Amazon SNS"),
    "a user": (
        altered(SigningCertURL="https://sns.a.amazonaws.com@evil.example/a.pem"),
        "not of Amazon SNS",
    ),
    "an unknown type": (altered(Type="Gossip"), "no message of Amazon SNS"),
    "not an object": (b"[]", "no message of Amazon SNS"),
    "not JSON": (b"<xml/>", "is not JSON"),
    "deep nonsense": (b"[" * 100_000, "is not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), FORGERIES.values(), ids=FORGERIES)
def test_everything_else_is_forged(body: bytes, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        verify(body)


def test_no_stranger_is_asked_for_a_certificate(asked: list[str]) -> None:
    for name in ("another host", "no encryption", "a user", "another topic"):
        with pytest.raises(Forged):
            verify(FORGERIES[name][0])
    assert asked == []


@pytest.mark.parametrize("keys", [(), ("",), (f"{TOPIC}-2",), ("None",)])
def test_without_the_topics_name_nothing_is_believed(keys: tuple[str, ...]) -> None:
    with pytest.raises(Forged, match="the topic is none of the keys"):
        verify(signed(NOTIFICATION), keys)


@pytest.mark.parametrize(("away_s", "reason"), [(7_201, "Timestamp is old"), (-7_201, "Timestamp is in the future")])
def test_two_hours_are_tolerated_either_way(away_s: float, reason: str) -> None:
    verify(signed(NOTIFICATION), away_s=away_s - (1 if away_s > 0 else -1))
    with pytest.raises(Forged, match=reason):
        verify(signed(NOTIFICATION), away_s=away_s)


def test_a_certificate_without_an_rsa_key_proves_nothing() -> None:
    for pem in (certificate_of(ec.generate_private_key(ec.SECP256R1())), "nonsense"):
        with pytest.raises(Forged, match="the certificate has no RSA key"):
            sns.public_numbers(pem)


def test_the_event_is_what_the_vendor_has_published() -> None:
    [one] = event.read(CONTRACT, signed(NOTIFICATION)).events
    assert (one.job_id, one.kind, json.loads(one.body)) == ("job-1", EventKind.SUCCESS, EVENT)


def test_a_subscription_is_confirmed_at_sns_and_nowhere_else(asked: list[str]) -> None:
    [one] = event.read(CONTRACT, signed(CONFIRMATION)).events
    assert (one.kind, one.body) == (EventKind.SUBSCRIPTION, CONFIRMATION["SubscribeURL"])
    sns.confirm(one.body)
    assert asked == [CONFIRMATION["SubscribeURL"]]
    with pytest.raises(Forged, match="`SubscribeURL` is not of Amazon SNS"):
        sns.confirm("https://evil.example/?Action=ConfirmSubscription")


def test_the_end_of_a_subscription_is_nobodys_business() -> None:
    body = json.dumps({**CONFIRMATION, "Type": "UnsubscribeConfirmation"}).encode()
    assert [one.kind for one in event.read(CONTRACT, body).events] == [EventKind.IGNORED]


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"Type": "Notification"}', b'{"Type": "Notification", "Message": "text"}', b"\xff"]
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        event.read(CONTRACT, body)
