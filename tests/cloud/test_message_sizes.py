"""SQS counts attributes: sizes as AWS documents them, on a cloud that refuses and on one that does not."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from headway.deployment.target import Target
from tests.cloud.conftest import Clouds

MIB_BYTES = 1024 * 1024


def queue_of(target: Target, **attributes: str) -> tuple[Any, str]:
    sqs = target.client("sqs")
    return sqs, sqs.create_queue(QueueName=f"sizes-{uuid4().hex}", Attributes=attributes)["QueueUrl"]


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def test_a_message_of_a_mebibyte_with_its_attributes_is_taken_and_one_byte_more_is_refused(clouds: Clouds) -> None:
    sqs, url = queue_of(clouds.strict)
    attributes = {"name": text("value")}
    body = "b" * (MIB_BYTES - len("name" + "String" + "value"))

    sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    with pytest.raises(ClientError, match=r"InvalidParameterValue.*must be shorter than 1048576 bytes"):
        sqs.send_message(QueueUrl=url, MessageBody=body + "b", MessageAttributes=attributes)


def test_the_lenient_cloud_takes_attributes_past_the_size(clouds: Clouds) -> None:
    sqs, url = queue_of(clouds.lenient)

    sqs.send_message(QueueUrl=url, MessageBody="b" * MIB_BYTES, MessageAttributes={"name": text("value")})


def test_a_queue_may_take_less(clouds: Clouds) -> None:
    sqs, url = queue_of(clouds.strict, MaximumMessageSize="1024")

    with pytest.raises(ClientError, match="must be shorter than 1024 bytes"):
        sqs.send_message(QueueUrl=url, MessageBody="b", MessageAttributes={"name": text("v" * 1024)})


def test_a_batch_is_a_mebibyte_with_its_attributes(clouds: Clouds) -> None:
    entries = [
        {"Id": number, "MessageBody": "b" * (MIB_BYTES // 2), "MessageAttributes": {"name": text("value")}}
        for number in ("1", "2")
    ]
    sqs, url = queue_of(clouds.strict)
    with pytest.raises(sqs.exceptions.BatchRequestTooLong):
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    sqs, url = queue_of(clouds.lenient)
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 2


def test_eleven_attributes_are_too_many(clouds: Clouds) -> None:
    attributes = {f"name{number}": text("value") for number in range(11)}
    sqs, url = queue_of(clouds.strict)
    with pytest.raises(ClientError, match=r"Number of message attributes \[11\] exceeds the allowed maximum \[10\]"):
        sqs.send_message(QueueUrl=url, MessageBody="b", MessageAttributes=attributes)

    sqs, url = queue_of(clouds.lenient)
    sqs.send_message(QueueUrl=url, MessageBody="b", MessageAttributes=attributes)


def test_nothing_of_a_message_may_be_empty(clouds: Clouds) -> None:
    sqs, url = queue_of(clouds.strict)

    with pytest.raises(ClientError, match="MessageBody"):
        sqs.send_message(QueueUrl=url, MessageBody="")
    with pytest.raises(ClientError, match=r"InvalidParameterValue.*'name' must contain a non-empty value"):
        sqs.send_message(QueueUrl=url, MessageBody="b", MessageAttributes={"name": text("")})


def test_characters_outside_of_xml_are_refused(clouds: Clouds) -> None:
    sqs, url = queue_of(clouds.strict)

    with pytest.raises(sqs.exceptions.InvalidMessageContents):
        sqs.send_message(QueueUrl=url, MessageBody="a\x00b")
