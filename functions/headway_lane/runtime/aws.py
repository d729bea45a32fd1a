"""AWS clients of the functions, all made one way; only handlers call it, once per worker."""

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table
    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

CLIENT: Final = Config(
    user_agent="headway/0.1",  # botocore builds its own anew for every request: an eighth of a small call's CPU
    parameter_validation=False,  # the type checker has seen every call, and a wrong one still gets the service's error
)


def table(name: str) -> "Table":
    """Return a DynamoDB table."""
    return boto3.resource("dynamodb", config=CLIENT).Table(name)


def step_functions() -> "SFNClient":
    """Return a Step Functions client."""
    return boto3.client("stepfunctions", config=CLIENT)


def s3() -> "S3Client":
    """Return an S3 client."""
    return boto3.client("s3", config=CLIENT)


def sqs() -> "SQSClient":
    """Return an SQS client."""
    return boto3.client("sqs", config=CLIENT)
