"""Dead letters of both DLQs: read, chosen by error and age, listed without harm, deleted."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest
from moto import mock_aws

from headway.deployment.connection import Connection
from headway.errors import NotDeployed
from headway.operations import held_messages
from headway.operations.dead_letters import (
    UNPROCESSED,
    DeadKind,
    DeadLetter,
    DeadQueue,
    Wanted,
    dead_letter,
    dead_letters,
    purge,
)
from headway.operations.held_messages import HeldMessages
from tests.unit.headway.connections import lane_of, moto_connection
from tests.unit.headway_lane.fakes import CALL_ID, TENANT, TOKEN, place_of, request_body

NOW_S = 2_000_000.0
FAILED = {
    "call": {"call_id": CALL_ID, "attempt": "a", "call": place_of().as_document(), "payload": {"n": 1}},
    "error": "Vendor.Rejected",
    "cause": "acme answered HTTP 401",
}
REFUSED = {"vendor": "acme", "headers": "x-signature:abc\n", "outcome": "Forged", "reason": "no key fits"}


def message(body: Any, attributes: dict[str, str] | None = None, group: str = TENANT) -> dict[str, Any]:
    """Return a message as ReceiveMessage gives it."""
    return {
        "MessageId": "m-1",
        "ReceiptHandle": "r-1",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": "1000000000", "MessageGroupId": group},
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        },
    }


def request(body: Any) -> DeadLetter:
    return dead_letter(message(body), "acme", DeadQueue.REQUESTS)


@pytest.mark.parametrize(
    ("body", "kind", "error", "call_id"),
    [
        (FAILED, DeadKind.CALL, "Vendor.Rejected", CALL_ID),
        (request_body(), DeadKind.REQUEST, UNPROCESSED, CALL_ID),
        (request_body(payload=None), DeadKind.UNREADABLE, "Request.Malformed", None),
        ("{torn", DeadKind.UNREADABLE, "Request.Malformed", None),
        ("[]", DeadKind.UNREADABLE, "Request.Malformed", None),
        ({"kind": "fetch", "call_id": "c", "job_id": "j"}, DeadKind.ERRAND, UNPROCESSED, "c"),
        ({"kind": "stop", "execution": "arn"}, DeadKind.ERRAND, UNPROCESSED, None),
        ({"call_id": "c", "due_epoch_s": 1}, DeadKind.ERRAND, UNPROCESSED, "c"),
    ],
)
def test_a_dead_letter_says_what_it_is_why_and_of_which_call(
    body: Any, kind: DeadKind, error: str, call_id: str | None
) -> None:
    dead = request(body)
    assert (dead.kind, dead.error, dead.call_id, dead.since_epoch_s) == (kind, error, call_id, 1_000_000)
    assert dead.cause


def test_calls_and_requests_name_their_execution() -> None:
    assert {request(body).execution for body in (FAILED, request_body())} == {place_of().execution}


def test_no_task_token_and_no_body_is_shown_unless_asked_for() -> None:
    dead = request(request_body())
    shown = f"{dead!r}{json.dumps(dead.as_json())}{json.dumps(dead.original())}"
    assert TOKEN not in shown
    assert "Grüße" not in repr(dead)
    assert dead.original()["payload"] == {"text": "Grüße"}


def test_a_callback_keeps_its_outcome_and_the_moment_of_its_first_arrival() -> None:
    body = base64.b64encode(b'{"id": "\xff"}').decode()
    came = dead_letter(message(body, {**REFUSED, "received_epoch_s": "30.5"}), "acme", DeadQueue.CALLBACKS)
    assert (came.kind, came.error, came.cause, came.since_epoch_s) == (DeadKind.CALLBACK, "Forged", "no key fits", 30.5)
    assert (came.body, came.original()) == (b'{"id": "\xff"}', '{"id": "�"}')
    moved = dead_letter(message(body, {"vendor": "acme", "headers": "a:b\n"}), "acme", DeadQueue.CALLBACKS)
    assert (moved.error, moved.kind) == (UNPROCESSED, DeadKind.CALLBACK)
    assert dead_letter(message("{}"), "acme", DeadQueue.CALLBACKS).kind is DeadKind.UNREADABLE


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(error="Vendor.Rejected"), True),
        (Wanted(error="Vendor.Unavailable"), False),
        (Wanted(older_than_s=1_000_000), True),
        (Wanted(older_than_s=1_000_001), False),
        (Wanted(newer_than_s=1_000_001), True),
        (Wanted(newer_than_s=1_000_000), False),
        (Wanted(id="m-1"), True),
        (Wanted(id=CALL_ID), True),
        (Wanted(id="m-2"), False),
    ],
)
def test_dead_letters_are_chosen_by_error_age_and_id(wanted: Wanted, taken: bool) -> None:
    assert wanted.takes(request(FAILED), NOW_S) is taken


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Connect to a lane with callbacks and one without, on moto."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(held_messages, "WAIT_S", 0)  # moto gives all at once
    with mock_aws():
        sqs = moto_connection().target.client("sqs")
        names = ("acme-requests", "acme-callbacks", "globex-requests")
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
        yield moto_connection(
            acme=lane_of(request_dlq_url=urls["acme-requests"], callback_dlq_url=urls["acme-callbacks"]),
            globex=lane_of(request_dlq_url=urls["globex-requests"]),
        )


def fill(lanes: Connection, vendor: str, count: int, body: Any = FAILED) -> str:
    sqs, url = lanes.target.client("sqs"), lanes.stage.lanes[vendor].request_dlq_url
    for _ in range(count):
        sqs.send_message(QueueUrl=url, MessageBody=body if isinstance(body, str) else json.dumps(body))
    return url


def visible(lanes: Connection, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = lanes.target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_every_dead_letter_is_listed_once_and_is_visible_again(lanes: Connection) -> None:
    url = fill(lanes, "acme", 23)
    fill(lanes, "globex", 4)
    lanes.target.client("sqs").send_message(
        QueueUrl=lanes.stage.lanes["acme"].callback_dlq_url,
        MessageBody="e30=",
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in REFUSED.items()},
    )
    for _ in range(2):
        found = list(dead_letters(lanes, Wanted(), NOW_S))
        assert len({dead.message_id for dead in found}) == len(found) == 28
        assert visible(lanes, url) == 23
    assert len(list(dead_letters(lanes, Wanted(vendor="globex"), NOW_S))) == 4
    assert [dead.vendor for dead in dead_letters(lanes, Wanted(queue=DeadQueue.CALLBACKS), NOW_S)] == ["acme"]
    assert len(list(dead_letters(lanes, Wanted(limit=12), NOW_S))) == 12


def test_a_list_that_is_broken_off_leaves_all_visible(lanes: Connection) -> None:
    url = fill(lanes, "acme", 15)
    with closing(dead_letters(lanes, Wanted(), NOW_S)) as found:
        assert len(list(islice(found, 11))) == 11
    assert visible(lanes, url) == 15


def test_a_vendor_that_is_not_there_is_refused_by_name(lanes: Connection) -> None:
    with pytest.raises(NotDeployed, match="no vendor initech: it has acme, globex"):
        next(dead_letters(lanes, Wanted(vendor="initech"), NOW_S))


def test_a_purge_takes_what_is_wanted_and_nothing_else(lanes: Connection) -> None:
    url = fill(lanes, "acme", 12)
    fill(lanes, "acme", 3, {**FAILED, "error": "Vendor.Unavailable"})
    assert len(list(purge(lanes, Wanted(error="Vendor.Rejected"), NOW_S))) == 12
    assert visible(lanes, url) == 3


class RepeatingSqs:
    """A queue of one message that SQS gives again and again, although it is out of sight."""

    def __init__(self) -> None:
        self.receives_count = 0
        self.released: list[str] = []

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        assert asked["VisibilityTimeout"] > 0
        self.receives_count += 1
        return {"Messages": [{**message({}), "ReceiptHandle": f"r-{self.receives_count}"}]}

    def change_message_visibility_batch(self, **asked: Any) -> None:
        self.released += [entry["ReceiptHandle"] for entry in asked["Entries"]]


def test_a_message_that_comes_twice_is_looked_at_once_and_released_by_its_last_handle() -> None:
    sqs: Any = RepeatingSqs()
    with HeldMessages.of(sqs, "url") as held:
        assert len(list(held.look())) == 1
    assert sqs.released == [f"r-{sqs.receives_count}"]
