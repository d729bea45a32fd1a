"""Small functions for the embedded cloud: what they are made of, and a queue that feeds them."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from headway.deployment.target import Target
from tests.cloud.roles import ANY_ROLE_ARN


def zipped(source: str) -> bytes:
    """Return a deployment package with one module, `main`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", source)
    return buffer.getvalue()


def function_of(target: Target, source: str, *, role_arn: str = ANY_ROLE_ARN, **options: Any) -> str:
    """Create a function whose handler is `handler` of `source`; return its name."""
    name = f"function-{uuid4().hex}"
    target.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Role=role_arn,
        Handler="main.handler",
        Code={"ZipFile": zipped(source)},
        Timeout=10,
        **options,
    )
    return name


def queue_of(target: Target, suffix: str = "", **attributes: str) -> tuple[str, str]:
    """Create a queue; return its URL and its ARN."""
    sqs = target.client("sqs")
    url = sqs.create_queue(QueueName=f"queue-{uuid4().hex}{suffix}", Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def status_of_stack(target: Target, name: str, template: Mapping[str, Any]) -> str:
    """Create a stack, or update the one of that name; return where it ended."""
    formation = target.client("cloudformation")
    try:
        formation.update_stack(StackName=name, TemplateBody=json.dumps(template))
    except ClientError:
        formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    status: str = Retrying(
        retry=retry_if_result(lambda status: status.endswith("_IN_PROGRESS")),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(20),
    )(lambda: formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    return status
