"""Deleting with receipts that are old, as SQS takes it."""

from uuid import uuid4

import pytest

from tests.cloud.conftest import Clouds


def test_a_message_can_be_deleted_again_and_what_is_no_receipt_is_refused(clouds: Clouds) -> None:
    sqs = clouds.strict.client("sqs")
    url = sqs.create_queue(QueueName=f"receipts-{uuid4().hex}")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="body")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"]

    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    answer = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": "old", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "none", "ReceiptHandle": "none"}],
    )

    assert [entry["Id"] for entry in answer["Successful"]] == ["old"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["none"]
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="none")


def test_a_fifo_queue_refuses_a_receipt_that_is_over(clouds: Clouds) -> None:
    sqs = clouds.strict.client("sqs")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName=f"receipts-{uuid4().hex}.fifo", Attributes=attributes)["QueueUrl"]

    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=str(uuid4()))
