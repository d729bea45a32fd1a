"""Reserved concurrency: what a template says holds, and an account has only so much of it."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from headway.cloud.strict._variables import ACCOUNT_VARIABLE
from headway.deployment.target import Target
from headway.testing.waiting import until
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of, queue_of, status_of_stack
from tests.cloud.roles import ANY_ROLE_ARN
from tests.cloud.started import started

NOTHING = "def handler(event, context): pass"
TAKES_ITS_TIME = """
import os
import time
import boto3

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["TOLD"], MessageBody="begun")
    time.sleep(event.get("seconds", 0))
"""


@pytest.fixture(scope="module")
def new_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with started(tmp_path_factory.mktemp("new-account"), **{ACCOUNT_VARIABLE: "10"}) as target:
        yield target


def template(name: str, reserved_count: int | None) -> dict[str, Any]:
    properties = {
        "Runtime": "python3.14",
        "Handler": "index.handler",
        "Role": ANY_ROLE_ARN,
        "Code": {"ZipFile": NOTHING},
    }
    reserved = {} if reserved_count is None else {"ReservedConcurrentExecutions": reserved_count}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": name, **properties, **reserved}}
    return {"Resources": {"Function": function}}


def reserved(target: Target, name: str) -> int | None:
    count: int | None = (
        target.client("lambda").get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    )
    return count


def test_a_template_reserves_changes_and_gives_back(clouds: Clouds) -> None:
    name, stack = f"function-{uuid4().hex}", f"stack-{uuid4().hex}"

    for count in (3, 2, None):
        assert status_of_stack(clouds.strict, stack, template(name, count)).endswith("_COMPLETE")
        assert reserved(clouds.strict, name) == count

    assert status_of_stack(clouds.lenient, stack, template(name, 3)) == "CREATE_COMPLETE"
    assert reserved(clouds.lenient, name) is None


def test_what_was_set_by_api_outlives_a_template_that_says_the_same(clouds: Clouds) -> None:
    name, stack = f"function-{uuid4().hex}", f"stack-{uuid4().hex}"
    status_of_stack(clouds.strict, stack, template(name, None))
    clouds.strict.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)

    changed = template(name, None)
    changed["Resources"]["Function"]["Properties"]["MemorySize"] = 256
    assert status_of_stack(clouds.strict, stack, changed) == "UPDATE_COMPLETE"

    assert reserved(clouds.strict, name) == 2


def test_a_function_that_may_not_run_is_throttled(clouds: Clouds) -> None:
    name = f"function-{uuid4().hex}"
    status_of_stack(clouds.strict, f"stack-{uuid4().hex}", template(name, 0))
    lambda_ = boto3.client(
        "lambda",
        endpoint_url=clouds.strict.client("lambda").meta.endpoint_url,
        region_name=clouds.strict.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    with pytest.raises(lambda_.exceptions.TooManyRequestsException) as refusal:
        lambda_.invoke(FunctionName=name)

    response: Mapping[str, Any] = refusal.value.response
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_a_hundred_executions_of_an_account_stay_unreserved(clouds: Clouds) -> None:
    name = function_of(clouds.strict, NOTHING)
    lambda_ = clouds.strict.client("lambda")
    limits = lambda_.get_account_settings()["AccountLimit"]
    free_count = limits["UnreservedConcurrentExecutions"]

    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match=r"minimum value of \[100\]"):
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=free_count - 99)
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=free_count - 100)
    try:
        assert lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
        stack = template(f"function-{uuid4().hex}", 1)
        assert status_of_stack(clouds.strict, f"stack-{uuid4().hex}", stack) == "ROLLBACK_COMPLETE"
    finally:
        lambda_.delete_function_concurrency(FunctionName=name)


def test_a_new_account_has_nothing_to_reserve(new_account: Target) -> None:
    name = function_of(new_account, NOTHING)
    lambda_ = new_account.client("lambda")

    assert lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 10
    with pytest.raises(lambda_.exceptions.InvalidParameterValueException, match=r"minimum value of \[10\]"):
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)


def test_a_batch_that_was_throttled_runs_once_there_is_room_and_not_a_visibility_timeout_later(clouds: Clouds) -> None:
    told_url, _ = queue_of(clouds.strict)
    url, arn = queue_of(clouds.strict, VisibilityTimeout="300")
    name = function_of(clouds.strict, TAKES_ITS_TIME, Environment={"Variables": {"TOLD": told_url}})
    lambda_, sqs = clouds.strict.client("lambda"), clouds.strict.client("sqs")
    lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"seconds": 2}')
    until(lambda: counts(clouds.strict, told_url) == (1, 0))
    lambda_.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=1)

    sqs.send_message(QueueUrl=url, MessageBody="a batch")
    until(lambda: counts(clouds.strict, url) == (0, 1))
    assert counts(clouds.strict, told_url) == (1, 0)  # there is no room yet

    until(lambda: counts(clouds.strict, url) == (0, 0), patience_s=20)
    assert counts(clouds.strict, told_url) == (2, 0)


def counts(target: Target, url: str) -> tuple[int, int]:
    """Return how many messages of a queue are visible, and how many are not."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])
