"""AWS clients of the functions, all made one way; only handlers call it, once per worker."""

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

CONNECT_TIMEOUT_S: Final = 1
READ_TIMEOUT_S: Final = 3
"""botocore's own are 60 s, longer than most functions live: none would see a request fail, let alone repeat it."""
RECEIVE_WAIT_S: Final = 1
"""How long a receive waits for messages: without a wait SQS asks a part of its servers, and may give nothing."""
CLAIM_READ_TIMEOUT_S: Final = 10
"""A claim check may be many MiB."""
AWS_ATTEMPTS: Final = 3
"""Of one request, the first counted: with its timeouts it is over after 12 s and two short pauses."""

CLIENT: Final = Config(
    user_agent="headway/0.1.0",  # botocore builds its own anew for every request: an eighth of a small call's CPU
    parameter_validation=False,  # the type checker has seen every call, and a wrong one still gets the service's error
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    retries={"mode": "standard", "total_max_attempts": AWS_ATTEMPTS},
)


def table(name: str) -> "Table":
    """Return a DynamoDB table."""
    return boto3.resource("dynamodb", config=CLIENT).Table(name)


def step_functions() -> "SFNClient":
    """Return a Step Functions client."""
    return boto3.client("stepfunctions", config=CLIENT)


def lambda_functions() -> "LambdaClient":
    """Return a Lambda client."""
    return boto3.client("lambda", config=CLIENT)


def s3() -> "S3Client":
    """Return an S3 client."""
    return boto3.client("s3", config=CLIENT.merge(Config(read_timeout=CLAIM_READ_TIMEOUT_S)))


def sqs() -> "SQSClient":
    """Return an SQS client."""
    return boto3.client("sqs", config=CLIENT.merge(Config(read_timeout=RECEIVE_WAIT_S + READ_TIMEOUT_S)))
