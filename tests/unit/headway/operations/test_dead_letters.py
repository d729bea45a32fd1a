"""Dead letters of the callback DLQ: looked at without harm, replayed as they came."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from headway_lane.messages.envelope import Envelope
from moto import mock_aws

from headway.operations import dead_letters as dead_letters_module
from headway.operations.dead_letters import UNPROCESSED, DeadLetters

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

BODY = b'{"id": "job-1", "note": "\xff"}'
REFUSED = {
    "vendor": "acme",
    "headers": "x-signature:abc\n",
    "received_epoch_s": "1614265330.25",
    "outcome": "Forged",
    "reason": "no signature matches a key",
}
MOVED = {"vendor": "acme", "headers": "x-signature:abc\n"}


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> "Iterator[SQSClient]":
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(dead_letters_module, "WAIT_S", 0)  # moto gives all at once
    with mock_aws():
        yield boto3.client("sqs", region_name="eu-central-1")


@pytest.fixture
def urls(sqs: "SQSClient") -> tuple[str, str]:
    """Return the DLQ's URL and the queue's."""
    dlq, queue = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in (uuid4().hex, uuid4().hex))
    return dlq, queue


@pytest.fixture
def dead_letters(sqs: "SQSClient", urls: tuple[str, str]) -> DeadLetters:
    return DeadLetters(sqs, *urls)


def put(sqs: "SQSClient", url: str, attributes: dict[str, str]) -> None:
    sqs.send_message(
        QueueUrl=url,
        MessageBody=base64.b64encode(BODY).decode(),
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )


def test_a_look_says_who_what_why_and_since_when_and_leaves_all_in_place(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    put(sqs, urls[0], REFUSED)
    for _ in range(2):
        found = list(dead_letters.take())
        dead_letters.requeue(found)
        [dead_letter] = found
        assert (dead_letter.vendor, dead_letter.outcome, dead_letter.reason) == (
            "acme",
            "Forged",
            "no signature matches a key",
        )
        assert (dead_letter.received_epoch_s, dead_letter.body) == (1_614_265_330.25, BODY)


def test_every_dead_letter_is_seen_once_however_many_there_are(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    for _ in range(23):
        put(sqs, urls[0], REFUSED)
    assert len({dead_letter.message_id for dead_letter in dead_letters.take()}) == 23


def test_no_more_are_taken_than_were_asked_for(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    for _ in range(15):
        put(sqs, urls[0], REFUSED)
    assert len(list(dead_letters.take(12))) == 12


def test_what_sqs_itself_has_moved_there_is_unprocessed_and_can_be_replayed(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    put(sqs, urls[0], MOVED)
    [dead_letter] = dead_letters.take()
    assert dead_letter.outcome == UNPROCESSED
    assert dead_letter.can_be_replayed


def test_a_replayed_dead_letter_reaches_the_inbox_as_it_came_and_is_gone_here(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    put(sqs, urls[0], REFUSED)
    for dead_letter in dead_letters.take():
        dead_letters.replay(dead_letter)
    assert list(dead_letters.take()) == []
    [message] = sqs.receive_message(
        QueueUrl=urls[1], MessageAttributeNames=["All"], MessageSystemAttributeNames=["SentTimestamp"]
    )["Messages"]
    record = {
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"]} for name, value in message["MessageAttributes"].items()
        },
    }
    assert Envelope.from_record(record) == Envelope("acme", {"x-signature": "abc"}, BODY, 1_614_265_330.25)


def test_what_did_not_come_through_the_callback_api_cannot_be_replayed(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    sqs.send_message(QueueUrl=urls[0], MessageBody=json.dumps({}))
    [dead_letter] = dead_letters.take()
    assert not dead_letter.can_be_replayed


def test_no_representation_of_a_dead_letter_shows_its_body_or_its_signature(
    sqs: "SQSClient", urls: tuple[str, str], dead_letters: DeadLetters
) -> None:
    put(sqs, urls[0], REFUSED)
    [dead_letter] = dead_letters.take()
    assert "job-1" not in repr(dead_letter)
    assert "abc" not in repr(dead_letter)
