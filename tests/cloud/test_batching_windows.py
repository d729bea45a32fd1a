"""What an event source mapping gathers before it calls, and the windows that it refuses."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from headway.deployment.target import Target
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of, queue_of, status_of_stack
from tests.cloud.roles import ANY_ROLE_ARN

TELLS_ITS_BATCH = """
import json
import os
import boto3

def handler(event, context):
    bodies = [record["body"] for record in event["Records"]]
    boto3.client("sqs").send_message(QueueUrl=os.environ["TOLD"], MessageBody=json.dumps(bodies))
"""


def batches(target: Target, url: str) -> list[list[str]]:
    """Return the batches that the function tells within ten seconds, at the first that it tells."""
    sqs = target.client("sqs")
    messages: list[dict[str, Any]] = Retrying(
        retry=retry_if_result(lambda messages: not messages), wait=wait_fixed(0.05), stop=stop_after_delay(10)
    )(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MaxNumberOfMessages=10).get("Messages", []))
    return [json.loads(message["Body"]) for message in messages]


def mapped(target: Target, **options: Any) -> tuple[str, str]:
    """Map a queue on a function that tells its batches; return the queue's URL and that of what it tells."""
    told_url, _ = queue_of(target)
    url, arn = queue_of(target)
    name = function_of(target, TELLS_ITS_BATCH, Environment={"Variables": {"TOLD": told_url}})
    target.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=arn, **options)
    return url, told_url


def send(target: Target, url: str, bodies: list[str]) -> None:
    for begin in range(0, len(bodies), 10):
        entries = [{"Id": body, "MessageBody": body} for body in bodies[begin : begin + 10]]
        target.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)


def test_messages_of_one_window_are_one_batch_of_more_than_ten(clouds: Clouds) -> None:
    bodies = [f"{number:02}" for number in range(12)]
    url, told_url = mapped(clouds.strict, BatchSize=50, MaximumBatchingWindowInSeconds=1)
    began_s = time.monotonic()

    send(clouds.strict, url, bodies)
    first = batches(clouds.strict, told_url)[0]

    assert sorted(set(first)) == bodies
    assert time.monotonic() - began_s >= 1


def test_the_lenient_cloud_takes_ten_at_most(clouds: Clouds) -> None:
    url, told_url = mapped(clouds.lenient, BatchSize=50, MaximumBatchingWindowInSeconds=1)

    send(clouds.lenient, url, [f"{number:02}" for number in range(12)])

    assert len(batches(clouds.lenient, told_url)[0]) <= 10


def test_a_full_batch_does_not_wait_for_its_window(clouds: Clouds) -> None:
    url, told_url = mapped(clouds.strict, BatchSize=2, MaximumBatchingWindowInSeconds=300)

    send(clouds.strict, url, ["1", "2"])

    assert sorted(batches(clouds.strict, told_url)[0]) == ["1", "2"]


REFUSED = [
    ("", {"BatchSize": 11}),
    ("", {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}),
    ("", {"MaximumBatchingWindowInSeconds": 301}),
    (".fifo", {"MaximumBatchingWindowInSeconds": 1}),
    (".fifo", {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1}),
]


@pytest.mark.parametrize(("suffix", "options"), REFUSED)
def test_a_mapping_that_cannot_be_is_refused(clouds: Clouds, suffix: str, options: dict[str, int]) -> None:
    name = function_of(clouds.strict, "def handler(event, context): pass")
    _, arn = queue_of(clouds.strict, suffix, **({"FifoQueue": "true"} if suffix else {}))
    lambda_ = clouds.strict.client("lambda")

    with pytest.raises(ClientError, match=r"InvalidParameterValueException|ValidationException"):
        lambda_.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, Enabled=False, **options)


def test_an_update_and_a_template_are_refused_likewise(clouds: Clouds) -> None:
    name = function_of(clouds.strict, "def handler(event, context): pass")
    _, arn = queue_of(clouds.strict)
    lambda_ = clouds.strict.client("lambda")
    uuid = lambda_.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, Enabled=False)["UUID"]

    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match="greater than 0"):
        lambda_.update_event_source_mapping(UUID=uuid, BatchSize=11)
    for target, status in ((clouds.strict, "ROLLBACK_COMPLETE"), (clouds.lenient, "CREATE_COMPLETE")):
        assert status_of_stack(target, f"stack-{uuid4().hex}", MAPPING_TEMPLATE) == status


MAPPING_TEMPLATE = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.14",
                "Handler": "index.handler",
                "Role": ANY_ROLE_ARN,
                "Code": {"ZipFile": "def handler(event, context): pass"},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 11,
            },
        },
    }
}
