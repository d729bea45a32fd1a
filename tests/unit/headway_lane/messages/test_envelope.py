"""The callback message: what the mapping template makes of a partner's POST is what the function reads."""

import base64
import re
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest
from headway_lane.messages.envelope import Envelope, mapping_template, raw_body
from headway_lane.runtime.errors import Malformed
from headway_lane.verification.schemes import SCHEMES

from tests.unit.headway_lane.fakes import NOW_MS, callback_record, signed, sqs_record

HEADERS = SCHEMES["standard-webhooks"].headers[:3]
BODIES = {
    "plain": b'{"id": "job-1"}',
    "spacing and order": b'{ "b":1,\r\n\t"a" : 2 }',
    "form characters": b'{"q": "a=1&MessageBody=x+y%20z;#?"}',
    "beyond ASCII": '{"text": "Grüße, 世界 🚄"}'.encode(),
    "escapes": b'{"text": "\\u00fc \\" \\\\ \'"}',
    "template words": b'{"text": "$input.body #set($headers = 1)"}',
    "not JSON": b"a=1&b=2",
    "not UTF-8": b'{"text": "\xff\xfe\x00"}',
    "not a character of XML": b'{"text": "\x01\x0b"}',
}


def api_gateway(template: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Do what API Gateway and SQS do with the template: fill it in, read the form, deliver the record."""
    shown = base64.b64encode(body).decode()
    assigned = re.search(r'#set\(\$headers = "(.*?)"\)', template, re.DOTALL)
    assert assigned is not None
    lines = re.sub(r"\$input\.params\('([^']+)'\)", lambda name: headers.get(name.group(1), ""), assigned.group(1))
    form = template.replace(assigned.group(0), "")
    form = form.replace("$util.urlEncode($headers)", quote_plus(lines))
    form = form.replace("$util.urlEncode($input.body)", quote_plus(shown))
    fields = {name: values[0] for name, values in parse_qs(form, strict_parsing=True).items()}
    assert fields.pop("Action") == "SendMessage"
    attributes = {
        fields[f"MessageAttribute.{number}.Name"]: {
            "stringValue": fields[f"MessageAttribute.{number}.Value.StringValue"],
            "dataType": fields[f"MessageAttribute.{number}.Value.DataType"],
        }
        for number in (1, 2)
    }
    return sqs_record(fields["MessageBody"]) | {"messageAttributes": attributes}


def test_the_template_asks_for_every_header_in_lower_and_in_title_case() -> None:
    assert mapping_template("acme", HEADERS) == (
        '#set($headers = "'
        "webhook-id:$input.params('webhook-id')\n"
        "Webhook-Id:$input.params('Webhook-Id')\n"
        "webhook-timestamp:$input.params('webhook-timestamp')\n"
        "Webhook-Timestamp:$input.params('Webhook-Timestamp')\n"
        "webhook-signature:$input.params('webhook-signature')\n"
        "Webhook-Signature:$input.params('Webhook-Signature')\n"
        '")'
        "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
        "&MessageAttribute.1.Name=vendor"
        "&MessageAttribute.1.Value.DataType=String"
        "&MessageAttribute.1.Value.StringValue=acme"
        "&MessageAttribute.2.Name=headers"
        "&MessageAttribute.2.Value.DataType=String"
        "&MessageAttribute.2.Value.StringValue=$util.urlEncode($headers)"
        "&MessageAttribute.3.Name=format_version"
        "&MessageAttribute.3.Value.DataType=String"
        "&MessageAttribute.3.Value.StringValue=1"
    )


def test_the_template_passes_the_body_on_as_it_is() -> None:
    template = mapping_template("acme", HEADERS)
    assert template.count("$input.body") == 1
    assert "MessageBody=$util.urlEncode($input.body)&" in template
    for altering in ("$input.json", "$input.path", "escapeJavaScript", "base64", "parseJson", ".replace", ".trim"):
        assert altering not in template


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("spelling", [str.lower, str.title], ids=["lower", "title"])
def test_body_and_headers_arrive_byte_for_byte(body: bytes, spelling: Any) -> None:
    sent = signed("the headers are not checked here")
    headers = {spelling(name): value for name, value in sent.items()}
    record = api_gateway(mapping_template("acme", HEADERS), headers, body)
    assert Envelope.from_record(record) == Envelope("acme", sent, body, NOW_MS / 1_000)


def test_a_callback_without_any_signature_header_still_becomes_a_message() -> None:
    record = api_gateway(mapping_template("acme", HEADERS), {}, b"{}")
    assert Envelope.from_record(record) == Envelope("acme", {}, b"{}", NOW_MS / 1_000)


@pytest.mark.parametrize("text", ['{"id": "job-1"}', "[]", "CallSid=CA1&CallStatus=done", "Grüße", '"abcd"'])
def test_a_text_that_is_no_base64_is_the_body_itself(text: str) -> None:
    assert raw_body(text) == text.encode()


def test_a_header_value_keeps_its_colons() -> None:
    assert Envelope.from_record(callback_record("{}", {"webhook-id": "urn:id:1"})).headers == {"webhook-id": "urn:id:1"}


def test_a_callback_was_received_when_its_message_was_sent() -> None:
    assert Envelope.from_record(callback_record("{}", {}, received_epoch_s=1_614_265_330.25)).received_epoch_s == (
        1_614_265_330.25
    )


@pytest.mark.parametrize("missing", ["vendor", "headers"])
def test_a_message_without_an_attribute_of_our_template_is_malformed(missing: str) -> None:
    record = callback_record("{}", {})
    del record["messageAttributes"][missing]
    with pytest.raises(Malformed, match=f"no attribute '{missing}': it did not come through the callback API"):
        Envelope.from_record(record)


def test_a_message_without_any_attributes_is_malformed() -> None:
    with pytest.raises(Malformed):
        Envelope.from_record({"messageId": "m1", "body": "{}"})
