"""The callback API's mapping template, on the emulator's interpreter and on airspeed, a Velocity of other people.

airspeed knows nothing of API Gateway: `$input` and `$util` are written here, from "Mapping template and access logging
variable reference" of the API Gateway developer guide (`$util.urlEncode` is Java's URLEncoder there).
"""

import base64
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import airspeed
import httpx
import pytest
from headway_lane.messages.envelope import Envelope, mapping_template
from ministack.services import apigateway_v1

from tests.cloud.rest_api import deploy

if TYPE_CHECKING:
    from tests.cloud.conftest import Clouds

SIGNATURE = ("webhook-id", "Webhook-Timestamp", "X-SIGNATURE")
TEMPLATE = mapping_template("acme", SIGNATURE)
BODIES = [
    b"",
    b"{}",
    b'{"a": "it\'s \\"quoted\\""}',
    b"line\nline\r\n\ttab\n",
    "结果完成 🙂".encode(),
    b"100%25 &MessageBody=other&a=b;c=d+e f",
    b"\xef\xbb\xbf{}",
    b"\x00\xff\xfe\x80",
    b"$input.body #set($x = 1) ## $util.urlEncode('a') ${x} \\$",
    bytes(range(256)),
]
HEADERS: list[Mapping[str, str]] = [
    {},
    {"webhook-id": "msg_1", "webhook-timestamp": "1700000000", "x-signature": "v1,aGFsbG8="},
    {"webhook-id": "a\"b'c", "x-signature": "$input.body #end %41&x=y+z~*-_."},
]


class Input:
    """`$input` of one request."""

    def __init__(self, body: str, headers: Mapping[str, str]) -> None:
        self.body = body
        self._headers = headers

    def params(self, name: str) -> str:
        """Return a header as the sender spelled it; empty where there is none."""
        return self._headers.get(name, "")


class Util:
    """`$util`."""

    def urlEncode(self, text: str) -> str:  # noqa: N802 - the name of API Gateway
        """Encode as Java's URLEncoder does."""
        plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-*_"
        return "".join(
            chr(byte) if chr(byte) in plain else "+" if byte == 0x20 else f"%{byte:02X}" for byte in text.encode()
        )


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", BODIES)
def test_both_interpreters_make_the_same_message_and_it_is_the_request(body: bytes, headers: Mapping[str, str]) -> None:
    text = base64.b64encode(body).decode()
    form = apigateway_v1._render_request_template_v1(TEMPLATE, text, dict(headers))
    assert form == airspeed.Template(TEMPLATE).merge({"input": Input(text, headers), "util": Util()})
    message = dict(urllib.parse.parse_qsl(form, keep_blank_values=True, strict_parsing=True))
    attributes = {
        message[f"MessageAttribute.{number}.Name"]: {
            "stringValue": message[f"MessageAttribute.{number}.Value.StringValue"]
        }
        for number in (1, 2)
    }
    record: dict[str, Any] = {
        "body": message["MessageBody"],
        "messageAttributes": attributes,
        "attributes": {"SentTimestamp": "1700000000000"},
    }
    envelope = Envelope.from_record(record)
    assert (envelope.vendor, envelope.body, envelope.headers) == ("acme", body, headers)


def test_a_parameter_is_looked_up_in_the_query_string_before_the_headers(clouds: "Clouds") -> None:
    sqs = clouds.strict.client("sqs")
    name = f"heard-{uuid4().hex[:8]}"
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    integration = {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": f"arn:aws:apigateway:{clouds.strict.region}:sqs:path/000000000000/{name}",
        "PassthroughBehavior": "NEVER",
        "RequestTemplates": {
            "application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.params('mark'))."
        },
        "IntegrationResponses": [{"StatusCode": "200"}],
    }
    method = {"AuthorizationType": "NONE", "Integration": integration, "MethodResponses": [{"StatusCode": "200"}]}
    url = deploy(clouds.strict, {"POST": method})
    for query, expected in (("", "header."), ("?mark=query", "query."), ("?other=1", "header.")):
        assert httpx.post(url + query, headers={"mark": "header"}).status_code == 200
        [message] = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1)["Messages"]
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        assert message["Body"] == expected


def test_what_no_template_fits_is_refused_with_415(clouds: "Clouds") -> None:
    integration = {
        "Type": "MOCK",
        "PassthroughBehavior": "NEVER",
        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
        "IntegrationResponses": [{"StatusCode": "200"}],
    }
    method = {"AuthorizationType": "NONE", "Integration": integration, "MethodResponses": [{"StatusCode": "200"}]}
    url = deploy(clouds.strict, {"POST": method})
    assert httpx.post(url, content=b"{}").status_code == 200
    answer = httpx.post(url, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()) == (415, {"message": "Unsupported Media Type"})
