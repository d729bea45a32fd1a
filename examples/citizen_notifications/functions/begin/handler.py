"""Begins an execution of `notify` for every message of the intake, under the notification's own ID: what is posted or
delivered twice finds its execution there, and no second mail is sent.
"""

import json
import os
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError


class StartsExecutions(Protocol):
    """The part of boto3's client for Step Functions that is used here."""

    def start_execution(self, **request: Any) -> Any:
        """Start an execution."""


def begin(states: StartsExecutions, machine_arn: str, message: str) -> bool:
    """Begin the execution of a message, unless there is one; return False where it has to be tried again."""
    notification = json.loads(message)
    try:
        states.start_execution(
            stateMachineArn=machine_arn,
            name=notification["notification_id"],
            input=json.dumps({"payload": notification}),
        )
    except ClientError as error:
        return error.response["Error"]["Code"] == "ExecutionAlreadyExists"
    return True


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Return the messages that stay in the queue."""
    machine_arn = os.environ["MACHINE_ARN"]
    left = [record for record in event["Records"] if not begin(_states(), machine_arn, record["body"])]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in left]}


@cache
def _states() -> StartsExecutions:
    client: StartsExecutions = boto3.client("stepfunctions")
    return client
