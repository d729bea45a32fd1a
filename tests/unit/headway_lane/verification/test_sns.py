"""Amazon SNS: what its certificate has signed is believed, of the topics that were entered, and nothing else."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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


def certificate_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    subject: str = "sns.amazonaws.com",
    since: timedelta = timedelta(days=-1),
    until: timedelta = timedelta(days=1),
) -> str:
    parts = {NameOID.ORGANIZATION_NAME: "Amazon", NameOID.COMMON_NAME: subject}
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts.items()])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW + since)
        .not_valid_after(NOW + until)
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


@dataclass
class Sns:
    """What is served at every address, and which ones were asked."""

    text: str = CERTIFICATE
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def get(self, place: str, timeout: float) -> httpx.Response:
        assert timeout
        self.asked.append(place)
        return httpx.Response(self.status, text=self.text, request=httpx.Request("GET", place))


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> Sns:
    """Serve the certificate."""
    stand_in = Sns()
    monkeypatch.setattr(httpx, "get", stand_in.get)
    sns.certificate.cache_clear()
    return stand_in


@pytest.fixture
def asked(served: Sns) -> list[str]:
    """Return which addresses are asked."""
    return served.asked


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
    "a list for a type": (altered(Type=["Notification"]), "no message of Amazon SNS"),
    "an object for a type": (altered(Type={}), "no message of Amazon SNS"),
    "half a pair in the topic": (altered(TopicArn="\ud800"), "the topic is none of the keys"),
    "half a pair in the message": (altered(Message="\udfff"), "not that of the certificate"),
    "the first year": (altered(Timestamp="0001-01-01T00:00:00+23:59"), "unreadable|is old"),
    "the first year, somewhere": (altered(Timestamp="0001-01-01T00:00:00"), "unreadable|is old"),
    "the last year": (altered(Timestamp="9999-12-31T23:59:59-23:59"), "unreadable|in the future"),
    "a large number for a time": (altered(Timestamp=10**400), "unreadable"),
    "no number for a time": (altered(Timestamp=float("nan")), "unreadable"),
    "a number for a signature": (altered(Signature=10**400), "unreadable|not that of the certificate"),
    "a signature beyond ASCII": (altered(Signature="Grüße"), "unreadable"),
    "a list for a version": (altered(SignatureVersion=["2"]), "unreadable"),
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


HOST = "https://sns.eu-central-1.amazonaws.com"
PEM = "SimpleNotificationService-5f3c.pem"
BUCKETS = ("s3", "s3-eu-west-1", "s3-website-us-east-1", "s3-accelerate", "s3.eu-central-1", "eu-central-1.s3")
STRANGERS = [
    *(f"https://sns.{place}.amazonaws.com/{PEM}" for place in (*BUCKETS, "elb", "eu", "..", "")),
    f"https://sns.amazonaws.com/{PEM}",
    f"https://s3.eu-central-1.amazonaws.com/sns/{PEM}",
    f"https://sns-x.eu-central-1.amazonaws.com/{PEM}",
    f"https://xsns.eu-central-1.amazonaws.com/{PEM}",
    f"https://sns.eu-central-1.amazonaws.com.cn.evil.example/{PEM}",
    f"https://sns.eu-central-1.amazonaws.community/{PEM}",
    f"https://sns.eu-central-1xamazonaws.com/{PEM}",
    f"https://user@sns.eu-central-1.amazonaws.com/{PEM}",
    f"https://sns.eu-central-1.amazonaws.com:8443/{PEM}",
    f"{HOST}:443/{PEM}",
    f"{HOST}/{PEM}?x=1",
    f"{HOST}/{PEM}#x",
    f"{HOST}/{PEM}\n",
    f"{HOST}//{PEM}",
    f"{HOST}/a/../{PEM}",
    f"{HOST}/SimpleNotificationService-.pem",
    f"{HOST}/SimpleNotificationService-xyz.pem",
    f"{HOST}/OtherService-5f3c.pem",
    f"{HOST}/",
    HOST,
    f"http://sns.eu-central-1.amazonaws.com/{PEM}",
    "",
    "\ud800",
]


@pytest.mark.parametrize("place", STRANGERS)
def test_nobody_but_sns_itself_is_asked_for_a_certificate(place: str, asked: list[str]) -> None:
    with pytest.raises(Forged, match="`SigningCertURL` is not of Amazon SNS"):
        verify(altered(SigningCertURL=place))
    assert asked == []


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1", "mx-central-1"])
def test_sns_is_asked_in_every_region(region: str, asked: list[str]) -> None:
    ending = ".cn" if region.startswith("cn-") else ""
    place = f"https://sns.{region}.amazonaws.com{ending}/SimpleNotificationService-{'0af3' * 8}.pem"
    verify(altered(SigningCertURL=place))
    assert asked == [place]


NAMES = (
    "sns.amazonaws.com",
    "sns-us-gov-west-1.amazonaws.com",
    "sns-cn-north-1.amazonaws.com.cn",
    "sns-signing.me-south-1.amazonaws.com",
)


@pytest.mark.parametrize("subject", NAMES)
def test_a_certificate_bears_a_name_of_sns(served: Sns, subject: str) -> None:
    served.text = certificate_of(KEY, subject)
    verify(signed(NOTIFICATION))


YEARS = timedelta(days=3_650)
SMALL_KEY = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - to be refused
WORTHLESS = {
    "of another service": (certificate_of(KEY, "sqs.amazonaws.com"), "is another's"),
    "of a bucket": (certificate_of(KEY, "sns.s3.amazonaws.com"), "is another's"),
    "of a stranger": (certificate_of(KEY, "sns.amazonaws.com.evil.example"), "is another's"),
    "that has ended": (certificate_of(KEY, until=timedelta(seconds=-1)), "was not valid"),
    "that has not begun": (certificate_of(KEY, since=timedelta(seconds=1)), "was not valid"),
    "of the last century": (certificate_of(KEY, since=-6 * YEARS, until=-5 * YEARS), "was not valid"),
    "beyond 2050": (certificate_of(KEY, since=3 * YEARS, until=4 * YEARS), "was not valid"),
    "with a small key": (certificate_of(SMALL_KEY), "less than 2048 bits"),
    "with another key": (certificate_of(ec.generate_private_key(ec.SECP256R1())), "the certificate has no RSA key"),
    "cut off": (CERTIFICATE[:200], "cannot be read"),
    "cut off within": (f"{CERTIFICATE[:200]}\n-----END CERTIFICATE-----", "cannot be read"),
    "of words": ("nonsense", "the certificate has no RSA key"),
    "of nothing": ("", "cannot be read"),
}


@pytest.mark.parametrize(("pem", "reason"), WORTHLESS.values(), ids=WORTHLESS)
def test_a_certificate_that_proves_nothing_is_refused(served: Sns, pem: str, reason: str) -> None:
    served.text = pem
    with pytest.raises(Forged, match=reason):
        verify(signed(NOTIFICATION))


@pytest.mark.parametrize(("since_s", "until_s"), [(0, 60), (-60, 0)])
def test_a_certificate_holds_from_its_first_second_to_its_last(served: Sns, since_s: int, until_s: int) -> None:
    served.text = certificate_of(KEY, since=timedelta(seconds=since_s), until=timedelta(seconds=until_s))
    verify(signed(NOTIFICATION))


@pytest.mark.parametrize(
    ("status", "error"), [(403, Forged), (404, Forged), (429, httpx.HTTPError), (503, httpx.HTTPError)]
)
def test_an_address_without_a_certificate_is_forged_and_a_busy_sns_is_asked_again(
    served: Sns, status: int, error: type[Exception]
) -> None:
    served.status = status
    with pytest.raises(error):
        verify(signed(NOTIFICATION))


def test_the_event_is_what_the_vendor_has_published() -> None:
    [one] = event.read(CONTRACT, signed(NOTIFICATION)).events
    assert (one.job_id, one.kind, json.loads(one.body)) == ("job-1", EventKind.SUCCESS, EVENT)


def test_a_subscription_is_confirmed_at_sns_and_nowhere_else(asked: list[str]) -> None:
    [one] = event.read(CONTRACT, signed(CONFIRMATION)).events
    assert (one.kind, one.body) == (EventKind.SUBSCRIPTION, CONFIRMATION["SubscribeURL"])
    sns.confirm(one.body)
    assert asked == [CONFIRMATION["SubscribeURL"]]
    places = [*BUCKETS, "eu-central-1.amazonaws.com@evil.example", "eu-central-1.amazonaws.com:8443"]
    for host in ["evil.example", *(f"sns.{place}.amazonaws.com" for place in places)]:
        with pytest.raises(Forged, match="`SubscribeURL` is not of Amazon SNS"):
            sns.confirm(f"https://{host}/?Action=ConfirmSubscription")
    assert asked == [CONFIRMATION["SubscribeURL"]]


def test_the_end_of_a_subscription_is_nobodys_business() -> None:
    body = json.dumps({**CONFIRMATION, "Type": "UnsubscribeConfirmation"}).encode()
    assert [one.kind for one in event.read(CONTRACT, body).events] == [EventKind.IGNORED]


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"Type": "Notification"}', b'{"Type": "Notification", "Message": "text"}', b"\xff"]
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        event.read(CONTRACT, body)
