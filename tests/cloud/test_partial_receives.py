"""What a standard queue may do to whoever receives: on a cloud that does it often, on one that does it never."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from headway.cloud import process
from headway.cloud.strict._variables import DELIVERIES_VARIABLE
from headway.deployment.target import LocalTarget, Target
from tests.cloud.conftest import Clouds

BODIES = [f"{number:02}" for number in range(10)]


@pytest.fixture(scope="module")
def inexact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("inexact")
    environment = {DELIVERIES_VARIABLE: "seed=1 partial=0.8 duplicate=0.3 disorder=0.8"}
    try:
        yield LocalTarget(process.start(folder, extra_environment=environment).endpoint_url)
    finally:
        process.stop(folder)


def filled_queue(target: Target, *, fifo: bool = False, **attributes: str) -> tuple[Any, str]:
    sqs = target.client("sqs")
    name = "receives-" + uuid4().hex
    if fifo:
        name, attributes = name + ".fifo", {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    entries = [{"Id": body, "MessageBody": body} for body in BODIES]
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{**entry, "MessageGroupId": "group"} if fifo else entry for entry in entries]
    )
    return sqs, url


def looks(sqs: Any, url: str, *, wait_s: int, times: int) -> list[list[str]]:
    """Receive all so many times, without taking anything out of sight."""
    answers = [
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s, VisibilityTimeout=0)
        for _ in range(times)
    ]
    return [[message["Body"] for message in answer.get("Messages", [])] for answer in answers]


def test_a_receive_without_a_wait_gives_a_part(inexact: Target, clouds: Clouds) -> None:
    assert {len(look) for look in looks(*filled_queue(inexact), wait_s=0, times=30)} - {10}
    assert looks(*filled_queue(clouds.lenient), wait_s=0, times=30) == [BODIES] * 30


def test_a_receive_without_a_wait_gives_nothing_although_there_is_something(inexact: Target) -> None:
    sqs = inexact.client("sqs")
    url = sqs.create_queue(QueueName="receives-" + uuid4().hex)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="only")

    assert {tuple(look) for look in looks(sqs, url, wait_s=0, times=30)} == {(), ("only",)}


def test_a_receive_that_waits_gives_all_in_an_order_of_its_own(inexact: Target) -> None:
    answers = looks(*filled_queue(inexact), wait_s=1, times=10)

    assert [sorted(answer) for answer in answers] == [BODIES] * 10
    assert any(answer != BODIES for answer in answers)


def test_a_message_in_flight_comes_twice_and_then_only_its_last_receipt_deletes_it(inexact: Target) -> None:
    sqs, url = filled_queue(inexact)
    first = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600)
    again = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600)

    receipts = {message["MessageId"]: message["ReceiptHandle"] for message in first["Messages"]}
    assert 0 < len(again["Messages"]) < len(receipts)
    twice = again["Messages"][0]
    assert twice["ReceiptHandle"] != receipts[twice["MessageId"]]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=receipts[twice["MessageId"]])
    assert count(sqs, url) == len(BODIES)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=twice["ReceiptHandle"])
    assert count(sqs, url) == len(BODIES) - 1


def count(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def test_a_second_delivery_leads_no_message_to_the_dead_letter_queue(inexact: Target) -> None:
    sqs = inexact.client("sqs")
    dead_url = sqs.create_queue(QueueName="dead-" + uuid4().hex)["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    sqs, url = filled_queue(inexact, RedrivePolicy=policy)

    for _ in range(3):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600)

    assert count(sqs, url) == len(BODIES)
    assert count(sqs, dead_url) == 0


def test_a_fifo_queue_is_exact(inexact: Target) -> None:
    sqs, url = filled_queue(inexact, fifo=True)

    assert looks(sqs, url, wait_s=0, times=10) == [BODIES] * 10


def test_a_queue_that_waits_by_itself_gives_all(inexact: Target) -> None:
    sqs, url = filled_queue(inexact, ReceiveMessageWaitTimeSeconds="1")

    answers = [
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"] for _ in range(10)
    ]

    assert [len(answer) for answer in answers] == [10] * 10


def test_fair_order_holds_among_what_is_seen(inexact: Target) -> None:
    sqs = inexact.client("sqs")
    url = sqs.create_queue(QueueName="receives-" + uuid4().hex)["QueueUrl"]
    for group in ("flood", "flood", "flood", "flood", "flood", "flood", "quiet"):
        sqs.send_message(QueueUrl=url, MessageBody=group, MessageGroupId=group)

    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2, WaitTimeSeconds=1)

    assert {message["Body"] for message in answer["Messages"]} == {"flood", "quiet"}
