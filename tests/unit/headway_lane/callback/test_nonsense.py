"""Nonsense at the webhook, for every scheme: it is put aside or taken, and never comes back to the queue."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from headway_lane.callback import handler
from headway_lane.messages.envelope import Envelope
from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.verification import sns
from headway_lane.verification.adyen import sign
from headway_lane.verification.schemes import SCHEMES, scheme_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.headway_lane.fakes import SIGNED_AT, WEBHOOK_KEY, Worker, signed, sqs_record, vendor_of

TOPIC = "arn:aws:sns:eu-central-1:123456789012:checks"
HEX_KEY = "ab" * 32
ED25519_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
P256_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPtETt4g7TFkGODedsMIc2hZ0LtAlUEi/"
    "QzOR03S8IdGQmSCazMTIoiTIQ6+k9MaKCQ0E2l6Yidri+O786Co3QA=="
)
RSA_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApKL4gcuTact4f8gQr8lo
xr33Qt7PvaRM4fBFfIq47u7hPko5gWdiyZO1mJDC2iKLoy9hAJ9a7zUSb278SibS
r5C6Xt4Aq0BDpDWw7wPZq+yXFNlXYz/MUwDiX6Q98HUu17c/78N4EHs6LE8TVCnR
XjRnQuLFcST5LaajqR/N99+nVyKbqHNdaSdZYZo6YqsvHmBTq1q+H3VASlpwFi8Y
fToyrChgElE5o/cmBAqqOpyrgBk75lFBSw5itM12SLxnGUWuS9TwWE/CZkVv/c6l
mDjtRDBs6xwbKmB7ySGym8YX1qjcp7l+H5/c6H07AuiNaUp8TtC8tf8a0RGyfUA0
aQIDAQAB
-----END PUBLIC KEY-----"""
KEYS = {
    "standard-webhooks": WEBHOOK_KEY,
    "svix": WEBHOOK_KEY,
    "sns": TOPIC,
    "adyen": HEX_KEY,
    "fal": ED25519_KEY,
    "telnyx": ED25519_KEY,
    "sendgrid": P256_KEY,
    "paypal": RSA_KEY,
}
BODIES = {"twilio": "form", "sns": "sns"}
TEXT_KEY = "text-key-1"

texts = st.text(st.characters(exclude_categories=[]), max_size=12)
"""With halves of surrogate pairs, and control characters."""
LARGE = "9" * 400
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", LARGE, f"-{LARGE}", "9" * 5_000, "0.1", "-0")
TIMES = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "0000-00-00",
    "2015-02-12",
    "20150212T000000",
    *NUMBERS,
    "١٦١٤٢٦٥٣٣٠",
    "",
)
words = st.sampled_from(["job-1", "succeeded", "Notification", "SubscriptionConfirmation", TOPIC, "1", "2", *TIMES])
leaves = (
    st.none().map(json.dumps)
    | st.booleans().map(json.dumps)
    | st.sampled_from(NUMBERS)
    | texts.map(json.dumps)
    | words.map(json.dumps)
)
NAMES = """
id status output Type TopicArn Timestamp Message MessageId SubscribeURL Token Signature SignatureVersion SigningCertURL
notificationItems NotificationRequestItem additionalData hmacSignature headway_claim
"""
names = st.sampled_from(NAMES.split()) | texts
json_texts = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(names, inner, max_size=6).map(
            lambda fields: f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in fields.items())}}}"
        )
    ),
    max_leaves=12,
)
"""JSON and what Python takes for it, as texts: with numbers beyond all numbers."""
bodies = (
    st.binary(max_size=40)
    | json_texts.map(str.encode)
    | st.sampled_from([b"", b"[" * 100_000, b'{"id":' * 100_000, b"\xef\xbb\xbf{}", b"a=%ED%A0%80&b=\xff&=&&c"])
)
fields = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("Message", "MessageId", "Subject", "Timestamp", "Signature", "Token"), leaves)
    | {"SignatureVersion": words.map(json.dumps) | leaves, "SigningCertURL": leaves, "TopicArn": leaves}
    | {"Type": leaves | st.sampled_from(['["Notification"]', "{}"])},
)


def known_sns(changed: Mapping[str, str]) -> bytes:
    """Write a message of the right type and topic, but for what is changed."""
    said = {
        "Type": '"Notification"',
        "TopicArn": json.dumps(TOPIC),
        "Timestamp": json.dumps(SIGNED_AT.isoformat()),
        "Signature": '"AAAA"',
        "SignatureVersion": '"2"',
        "SigningCertURL": '"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-5f.pem"',
    } | dict(changed)
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in said.items())}}}".encode()


def record_of(body: bytes, headers: Mapping[str, str], **more: str) -> dict[str, Any]:
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    record = sqs_record(base64.b64encode(body).decode(), sent_epoch_ms=int(SIGNED_AT.timestamp() * 1_000))
    texts = {"vendor": "acme", "headers": lines, **more}
    attributes = {name: {"stringValue": text, "dataType": "String"} for name, text in texts.items()}
    return record | {"messageAttributes": attributes}


def settled(worker: Worker, scheme: str, record: dict[str, Any]) -> None:
    """Bring one message through the whole function; it must not come back."""
    callback = {"verification": scheme, "body": BODIES.get(scheme, "json"), "job_id": "id"}
    worker.profiles.contract = vendor_of({"callback": callback, "result": {"source": "callback"}})
    worker.secrets["arn:webhook-key"] = KEYS.get(scheme, TEXT_KEY)
    response = handler.receive({"Records": [record]}, LambdaContext())
    assert response == {"batchItemFailures": []}


@pytest.fixture(autouse=True)
def no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "get", lambda place, timeout: httpx.Response(404, request=httpx.Request("GET", place)))
    sns.certificate.cache_clear()


a_few = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize("scheme", SCHEMES)
@a_few
@given(body=bodies, values=st.lists(texts | words, min_size=3, max_size=3), labelled=st.sampled_from(["", "t=", "v1="]))
def test_nonsense_is_settled_whatever_the_scheme(
    worker: Worker, scheme: str, body: bytes, values: list[str], labelled: str
) -> None:
    headers = {name.lower(): labelled + value for name, value in zip(SCHEMES[scheme].headers, values, strict=False)}
    settled(worker, scheme, record_of(body, headers))


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_time_that_is_none_is_settled_whatever_the_scheme(worker: Worker, scheme: str, time: str) -> None:
    headers = {
        name.lower(): f"t={time},v1=00" if "stripe" in name.lower() else time for name in SCHEMES[scheme].headers
    }
    settled(worker, scheme, record_of(known_sns({"Timestamp": json.dumps(time)}), headers))


@a_few
@given(changed=fields)
@example({"Type": '["Notification"]'})
@example({"TopicArn": '"\\ud800"'})
@example({"Timestamp": '"0001-01-01T00:00:00+23:59"'})
@example({"Timestamp": LARGE})
def test_a_message_of_sns_with_nonsense_in_a_field_is_settled(worker: Worker, changed: dict[str, str]) -> None:
    settled(worker, "sns", record_of(known_sns(changed), {}))


@a_few
@given(value=json_texts)
@example(LARGE)
@example("NaN")
@example('"\\ud800"')
def test_a_field_of_adyen_may_be_nonsense_that_is_signed(worker: Worker, value: str) -> None:
    text = f'{{"pspReference": {value}, "amount": {{"value": {value}}}, "eventCode": "\\udfff"}}'
    try:
        item = json.loads(text)
    except ValueError:
        return
    item["additionalData"] = {"hmacSignature": sign(item, bytes.fromhex(HEX_KEY))}
    settled(
        worker, "adyen", record_of(json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode(), {})
    )


@a_few
@given(value=json_texts)
@example("NaN")
@example("1e400")
@example('"\\ud800"')
@example(LARGE)
@example("9" * 5_000)
def test_what_a_vendor_signs_may_be_nonsense_too_and_what_is_kept_can_be_written(worker: Worker, value: str) -> None:
    for place in (f'{{"id": "job-{{}}", "output": {value}}}', f'{{"id": {value}}}', value):
        body = place.replace("{}", str(len(value)))
        settled(worker, "standard-webhooks", record_of(body.encode(), signed(body)))
    for item in worker.tables.jobs.scan()["Items"]:
        answer = json.loads(str(item["answer"]))
        json.dumps(json.loads(answer["body"]), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_what_is_no_number_of_json_is_malformed(worker: Worker, number: str) -> None:
    body = f'{{"id": "job-1", "output": [{number}]}}'
    settled(worker, "standard-webhooks", record_of(body.encode(), signed(body)))
    [message] = worker.sqs.of("SendMessage")
    assert message["MessageAttributes"]["reason"]["StringValue"] == "the callback is not JSON"


@pytest.mark.parametrize("said", ["nan", "inf", "-inf", "1e400", LARGE, "-1", "yesterday", ""])
def test_a_moment_of_arrival_that_is_none_counts_as_not_said(worker: Worker, said: str) -> None:
    body = '{"id": "job-1"}'
    old = signed(body, at=SIGNED_AT.replace(year=2000))
    settled(worker, "standard-webhooks", record_of(body.encode(), old, received_epoch_s=said))
    [message] = worker.sqs.of("SendMessage")
    assert message["MessageAttributes"]["reason"]["StringValue"] == "webhook-timestamp is old"


@pytest.mark.parametrize("version", [LARGE, "9" * 5_000, "x", "", "-1", "1.5", "nan"])
def test_a_version_is_newer_or_malformed(version: str) -> None:
    with pytest.raises((Malformed, NewerFormat)):
        Envelope.from_record(record_of(b"", {}, format_version=version))


def test_every_scheme_reads_the_key_that_it_is_given_here() -> None:
    for name in SCHEMES:
        read = scheme_of(name).key
        assert read is None or read(KEYS.get(name, TEXT_KEY))
