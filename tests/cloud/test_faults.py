"""Faults on demand, as boto3 and functions meet them."""

import json
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from headway.cloud.faults import ANSWERED, THROTTLES, Fault, Kind
from headway.cloud.routes import FAULTS_ROUTE
from headway.testing.faults import faults
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of, queue_of


def once(clouds: Clouds, service: str) -> Any:
    """Return a client that repeats nothing."""
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=url_of(clouds),
        region_name=clouds.strict.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def url_of(clouds: Clouds) -> str:
    return str(clouds.strict.client("sqs").meta.endpoint_url)


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "list_tables", {}),
    ("sqs", "list_queues", {}),
    ("stepfunctions", "list_state_machines", {}),
    ("secretsmanager", "list_secrets", {}),
    ("lambda", "list_functions", {}),
    ("appconfigdata", "get_latest_configuration", {"ConfigurationToken": "any"}),
]


@pytest.mark.parametrize(("name", "method", "parameters"), REQUESTS)
def test_the_next_request_of_a_service_is_throttled_in_its_own_way(
    clouds: Clouds, name: str, method: str, parameters: dict[str, Any]
) -> None:
    client = once(clouds, name)
    service = client.meta.service_model.signing_name

    with faults(url_of(clouds), Fault(service, Kind.THROTTLE, count=1)) as active:
        with pytest.raises(ClientError) as refusal:
            getattr(client, method)(**parameters)
        assert active.met_counts() == [1]

    status, code = THROTTLES[service]
    assert refusal.value.response["Error"]["Code"] == code
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_lost_answer_has_its_effect_and_an_error_has_none(clouds: Clouds) -> None:
    url, _ = queue_of(clouds.strict)
    sqs = once(clouds, "sqs")

    with faults(url_of(clouds), Fault("sqs", Kind.LOST, "SendMessage"), Fault("sqs", Kind.ERROR, "SendMessageBatch")):
        with pytest.raises(ClientError, match=r"500|InternalServerError"):
            sqs.send_message(QueueUrl=url, MessageBody="lost")
        with pytest.raises(ClientError, match=r"500|InternalServerError"):
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "error"}])
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10)["Messages"]

    assert message["Body"] == "lost"


def test_an_sdk_repeats_what_was_lost_and_its_effect_is_there_twice(clouds: Clouds) -> None:
    url, _ = queue_of(clouds.strict)
    sqs = clouds.strict.client("sqs")

    with faults(url_of(clouds), Fault("sqs", Kind.LOST, "SendMessage", count=1)):
        sqs.send_message(QueueUrl=url, MessageBody="lost")

    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "2"


def test_a_fault_is_for_what_its_text_says_and_is_over_after_the_block(clouds: Clouds) -> None:
    url, _ = queue_of(clouds.strict)
    other_url, _ = queue_of(clouds.strict)
    sqs = once(clouds, "sqs")

    with faults(url_of(clouds), Fault("sqs", Kind.ERROR, containing=url)):
        sqs.send_message(QueueUrl=other_url, MessageBody="body")
        with pytest.raises(ClientError):
            sqs.send_message(QueueUrl=url, MessageBody="body")
    sqs.send_message(QueueUrl=url, MessageBody="body")


def test_a_connection_ends_before_the_effect_or_behind_it_and_an_sdk_repeats_what_was_cut(clouds: Clouds) -> None:
    url, _ = queue_of(clouds.strict)

    unreached = Fault("sqs", Kind.UNREACHED, "SendMessage", every_attempt=True)
    with faults(url_of(clouds), unreached), pytest.raises(ConnectionClosedError):
        clouds.strict.client("sqs").send_message(QueueUrl=url, MessageBody="unreached")
    with faults(url_of(clouds), Fault("sqs", Kind.CUT, "SendMessage", count=1)):
        clouds.strict.client("sqs").send_message(QueueUrl=url, MessageBody="cut")

    assert bodies_of(clouds, url) == ["cut", "cut"]


def bodies_of(clouds: Clouds, url: str) -> list[str]:
    """Take all messages of a queue."""
    asked = {"QueueUrl": url, "WaitTimeSeconds": 1, "MaxNumberOfMessages": 10}
    return [message["Body"] for message in clouds.strict.client("sqs").receive_message(**asked).get("Messages", [])]


@pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.KILLED_AFTER])
def test_a_function_is_killed_at_a_call_that_it_makes_for_one_event_and_for_no_other(
    clouds: Clouds, kind: Kind
) -> None:
    url, _ = queue_of(clouds.strict)
    name = function_of(clouds.strict, SENDS, Environment={"Variables": {"TOLD": url}})
    lambda_ = clouds.strict.client("lambda")

    def invoke(event: str) -> Any:
        answer = lambda_.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    aimed = Fault("sqs", kind, "SendMessage", skip=1, count=1, function=name, about=("aimed at",))
    with faults(url_of(clouds), aimed) as active:
        assert invoke("another") == (None, None)
        died, error = invoke("aimed at")
        assert active.met_counts() == [1]
        assert invoke("aimed at") == (None, None), "a fault that was met is over"
    assert (died["errorMessage"], error) == ("Worker process died", "Unhandled")
    sent = [*bodies_of(clouds, url), *bodies_of(clouds, url)]
    assert sent.count("1 another") == sent.count("2 another") == 1
    assert (sent.count("1 aimed at"), sent.count("2 aimed at")) == (2, 1 + (kind is Kind.KILLED_AFTER))


@pytest.mark.parametrize("kind", sorted(ANSWERED))
def test_an_invocation_fails_too(clouds: Clouds, kind: Kind) -> None:
    lambda_ = once(clouds, "lambda")
    name = function_of(clouds.strict, "def handler(event, context): pass")

    with faults(url_of(clouds), Fault("lambda", kind, "Invoke", containing=name, count=1)) as active:
        with pytest.raises(ClientError, match="TooManyRequests" if kind is Kind.THROTTLE else "InternalServerError"):
            lambda_.invoke(FunctionName=name)
        assert active.met_counts() == [1]
        lambda_.invoke(FunctionName=name)


def test_what_is_no_fault_is_refused_and_changes_nothing(clouds: Clouds) -> None:
    with faults(url_of(clouds), Fault("sqs", Kind.ERROR, "Never")) as active:
        for document in ({}, {"faults": [{"service": "sqs"}]}, {"faults": [{"service": uuid4().hex, "kind": "no"}]}):
            assert httpx.post(url_of(clouds) + FAULTS_ROUTE, json=document, trust_env=False).status_code == 400
        assert active.met_counts() == [0]


@pytest.mark.parametrize(
    ("throttles_count", "visibility_s", "receives"),
    [(1, "30", {1}), (10, "1", set(range(2, 11)))],
    ids=["tried again", "comes again after its visibility timeout"],
)
def test_a_batch_that_is_throttled(clouds: Clouds, throttles_count: int, visibility_s: str, receives: set[int]) -> None:
    told_url, _ = queue_of(clouds.strict)
    url, arn = queue_of(clouds.strict, VisibilityTimeout=visibility_s)
    name = function_of(clouds.strict, TELLS, Environment={"Variables": {"TOLD": told_url}})
    sqs = clouds.strict.client("sqs")
    fault = Fault("lambda", Kind.THROTTLE, "Invoke", containing=name, count=throttles_count)

    with faults(url_of(clouds), fault) as active:
        clouds.strict.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
        sqs.send_message(QueueUrl=url, MessageBody="body")
        (told,) = sqs.receive_message(QueueUrl=told_url, WaitTimeSeconds=20)["Messages"]
        assert active.met_counts() == [throttles_count]

    assert int(told["Body"]) in receives


SENDS = """
import os
import boto3

def handler(event, context):
    for number in (1, 2):
        boto3.client("sqs").send_message(QueueUrl=os.environ["TOLD"], MessageBody=f"{number} {event}")
"""
TELLS = """
import os
import boto3

def handler(event, context):
    count = event["Records"][0]["attributes"]["ApproximateReceiveCount"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["TOLD"], MessageBody=count)
"""
