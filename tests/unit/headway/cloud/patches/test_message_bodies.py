"""The patch of what a workflow sends to SQS: compact JSON without escapes, and texts as they are."""

import json
from typing import Any

import pytest
from ministack.services import sqs, stepfunctions

from headway.cloud.patches import message_bodies


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Patch the emulator for one test, and note the bodies that its SQS is given."""
    bodies: list[Any] = []
    monkeypatch.setattr(sqs, "_act_send_message", lambda payload, url: bodies.append(payload["MessageBody"]))
    monkeypatch.setitem(
        stepfunctions._SERVICE_DISPATCH,
        message_bodies.INTEGRATION,
        stepfunctions._SERVICE_DISPATCH[message_bodies.INTEGRATION],
    )
    message_bodies.apply()
    return bodies


def send(body: Any) -> None:
    arguments = {"QueueUrl": "http://queue", "MessageBody": body}
    stepfunctions._SERVICE_DISPATCH[message_bodies.INTEGRATION](message_bodies.INTEGRATION, arguments)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"text": "\u6e2c\u8a66", "rank": [1, 2]}, '{"text":"\u6e2c\u8a66","rank":[1,2]}'),
        ([{"a": None}, "b"], '[{"a":null},"b"]'),
        ('{"a": "\\u6e2c"}', '{"a": "\\u6e2c"}'),
    ],
)
def test_an_object_is_written_compact_and_without_escapes_and_a_text_is_left_alone(
    sent: list[Any], body: Any, text: str
) -> None:
    send(body)
    assert sent == [text]


def test_half_of_a_surrogate_pair_is_still_a_message(sent: list[Any]) -> None:
    send({"text": "\ud800"})
    assert json.loads(sent[0].encode()) == {"text": "\ud800"}
