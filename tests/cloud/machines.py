"""What the tests of Step Functions share: a queue, machines, and their executions, on one of the two clouds."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from headway.deployment.target import Target
from headway.testing.waiting import until
from tests.cloud.roles import ANY_ROLE_ARN

FAIL: Final = {"Type": "Fail", "Error": "Reached", "Cause": "as meant"}
DONE: Final = {"Type": "Succeed"}


class Machines:
    """Machines on one cloud, whose callback tasks send their tokens to a queue."""

    def __init__(self, target: Target) -> None:
        self.client = target.client("stepfunctions")
        self._sqs = target.client("sqs")
        self.queue_url = self._sqs.create_queue(QueueName=f"tokens-{uuid4()}")["QueueUrl"]

    def waiting(self, **fields: Any) -> dict[str, Any]:
        """Return a task that sends its token, and what it is given, to the queue and waits."""
        body = {"token.$": "$$.Task.Token", "retry_count.$": "$$.State.RetryCount", "input.$": "$"}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": self.queue_url, "MessageBody": body},
            "TimeoutSeconds": 30,
            **({"End": True} if "Next" not in fields else {}),
            **fields,
        }

    def create(
        self, states: Mapping[str, Any], kind: str = "STANDARD", role_arn: str = ANY_ROLE_ARN, **fields: Any
    ) -> str:
        """Create a machine that starts at the first of the states; return its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **fields}
        answer = self.client.create_state_machine(
            name=f"machine-{uuid4()}", definition=json.dumps(definition), roleArn=role_arn, type=kind
        )
        return str(answer["stateMachineArn"])

    def start(self, states: Mapping[str, Any], data: Any = None, **fields: Any) -> str:
        """Start a new machine; return the execution's ARN."""
        machine = self.create(states, **fields)
        answer = self.client.start_execution(stateMachineArn=machine, input=json.dumps(data or {}))
        return str(answer["executionArn"])

    def message(self) -> Mapping[str, Any]:
        """Wait for the next message of a callback task: `token`, `retry_count`, `input`."""
        messages = self._sqs.receive_message(QueueUrl=self.queue_url, WaitTimeSeconds=5)["Messages"]
        self._sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=messages[0]["ReceiptHandle"])
        found: Mapping[str, Any] = json.loads(messages[0]["Body"])
        return found

    def token(self) -> str:
        """Wait for the token of the next callback task."""
        return str(self.message()["token"])

    def succeed(self, token: str, output: Any = None) -> None:
        """Resume a task."""
        self.client.send_task_success(taskToken=token, output=json.dumps(output))

    def describe(self, arn: str) -> Mapping[str, Any]:
        """Describe an execution."""
        description: Mapping[str, Any] = self.client.describe_execution(executionArn=arn)
        return description

    def end(self, arn: str) -> Mapping[str, Any]:
        """Wait for the end of an execution."""
        return until(lambda: (found := self.describe(arn))["status"] != "RUNNING" and found)

    def events(self, arn: str) -> list[str]:
        """Return the kinds of an execution's events in order."""
        return [str(event["type"]) for event in self.history(arn)]

    def history(self, arn: str) -> list[Mapping[str, Any]]:
        """Return an execution's events in order."""
        return list(self.client.get_execution_history(executionArn=arn, maxResults=1_000)["events"])
