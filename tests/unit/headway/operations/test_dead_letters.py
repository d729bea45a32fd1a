"""Dead letters of the callback DLQ: looked at without harm, replayed as they came."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from headway_lane.messages.envelope import Envelope
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.errors import NotDeployed
from headway.operations import dead_letters as dead_letters_module
from headway.operations.dead_letters import UNPROCESSED, DeadLetter, DeadLetters, Replay, Wanted, listed, replay
from tests.unit.headway.connections import lane_of, moto_connection

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


@pytest.fixture
def lanes(sqs: "SQSClient") -> Connection:
    """Connect to three lanes: two whose vendors call back, and one whose vendor does not."""
    del sqs  # moto is on
    client = boto3.client("sqs", region_name="us-east-1")
    made = {
        name: {
            "callback_dlq_url": client.create_queue(QueueName=f"{name}-dlq")["QueueUrl"],
            "callback_queue_url": client.create_queue(QueueName=f"{name}-callbacks")["QueueUrl"],
            "callback_url": f"https://api.example/callbacks/{name}",
        }
        for name in ("acme", "globex")
    }
    return moto_connection(initech=lane_of(), **{name: lane_of(**places) for name, places in made.items()})


def fill(lanes: Connection, vendor: str, *received_epoch_s: int, **changes: str) -> None:
    """Put refused callbacks of a vendor aside that came in at these moments."""
    for moment_s in received_epoch_s:
        attributes = {**REFUSED, "vendor": vendor, "received_epoch_s": str(moment_s), **changes}
        put(lanes.target.client("sqs"), str(lanes.stage.lanes[vendor].callback_dlq_url), attributes)


def moments(found: list[DeadLetter]) -> list[tuple[str, float]]:
    return [(one.vendor, one.received_epoch_s) for one in found]


def waiting(lanes: Connection, vendor: str) -> tuple[int, int]:
    """Count what a vendor's DLQ has, and what its queue of callbacks has."""
    lane, counted = lanes.stage.lanes[vendor], []
    for url in (lane.callback_dlq_url, lane.callback_queue_url):
        name = "ApproximateNumberOfMessages"
        answer = lanes.target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        counted.append(int(answer["Attributes"][name]))
    return counted[0], counted[1]


def test_dead_letters_of_all_lanes_are_listed_the_oldest_first_and_stay(lanes: Connection) -> None:
    fill(lanes, "acme", 30, 10)
    fill(lanes, "globex", 20)
    for _ in range(2):
        assert moments(listed(lanes, Wanted())) == [("acme", 10), ("globex", 20), ("acme", 30)]
    assert moments(listed(lanes, Wanted(vendor="globex"))) == [("globex", 20)]
    assert listed(lanes, Wanted(outcome=UNPROCESSED)) == []


def test_a_limit_counts_dead_letters_of_all_lanes_together(lanes: Connection) -> None:
    fill(lanes, "acme", 10, 30)
    fill(lanes, "globex", 20, 40)
    assert len(listed(lanes, Wanted(limit=3))) == 3
    assert replay(lanes, Wanted(limit=3)) == Replay(3, 0)
    assert [waiting(lanes, vendor) for vendor in ("acme", "globex")] == [(0, 2), (1, 1)]
    assert replay(lanes, Wanted(limit=3)) == Replay(1, 0)


def test_a_dead_letter_goes_to_the_inbox_of_its_own_vendor_and_only_those_go_that_are_wanted(
    lanes: Connection,
) -> None:
    fill(lanes, "acme", 10)
    fill(lanes, "globex", 20)
    fill(lanes, "globex", 30, outcome="Malformed")
    assert replay(lanes, Wanted(vendor="globex", outcome="Malformed")) == Replay(1, 0)
    assert [waiting(lanes, vendor) for vendor in ("acme", "globex")] == [(1, 0), (1, 1)]


def test_what_cannot_be_replayed_is_counted_over_all_lanes_and_stays(lanes: Connection) -> None:
    for vendor in ("acme", "globex"):
        url = lanes.stage.lanes[vendor].callback_dlq_url
        lanes.target.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    assert replay(lanes, Wanted()) == Replay(0, 2)
    assert [waiting(lanes, vendor) for vendor in ("acme", "globex")] == [(1, 0), (1, 0)]
    assert len(listed(lanes, Wanted(vendor="globex"))) == 1, "it is in that vendor's DLQ, whatever it says"


def test_what_a_replay_that_breaks_off_has_not_sent_is_there_again(lanes: Connection) -> None:
    fill(lanes, "acme", 10, 20, 30)

    def interrupted(found: Sequence[DeadLetter]) -> Iterator[DeadLetter]:
        yield found[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(lanes, Wanted(), interrupted)
    assert waiting(lanes, "acme") == (2, 1)


@pytest.mark.parametrize(
    ("vendor", "reason"), [("initech", "no callback of initech"), ("initrode", "no vendor initrode")]
)
def test_a_vendor_that_does_not_call_back_has_no_dead_letters_to_look_for(
    lanes: Connection, vendor: str, reason: str
) -> None:
    with pytest.raises(NotDeployed, match=reason):
        listed(lanes, Wanted(vendor=vendor))
