"""The state machines with plain values, and an engine that runs them with the answers of `mocks.json`.

The engine is ministack; the file has the format of AWS Step Functions Local, so that it drives that engine as well.
What a test case does not script runs for real: against the queue, the tables and the echoing function made here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from headway_cdk.definitions import bind
from headway_cdk.resources import WORKFLOWS
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from headway.deployment.target import LocalTarget
from tests.cloud.functions import zipped
from tests.cloud.roles import ANY_ROLE_ARN
from tests.cloud.started import started

ACCOUNT = "arn:aws:{service}:us-east-1:000000000000:{resource}"
ECHO_ARN: Final = ACCOUNT.format(service="lambda", resource="function:echo")
ECHO = """
def handle(event, context):
    return {"outcome": "rejected", "error": "Echo.Rejected", "cause": "it only echoes", "heard": event}
"""
NAMES: Final = tuple(sorted(path.name.removesuffix(".asl.json") for path in WORKFLOWS.glob("*.asl.json")))

_EXPRESS: Mapping[str, Any] = {
    "SettlerFunctionArn": ECHO_ARN,
    "SettleTimeoutSeconds": 15,
    "ExpressTimeoutSeconds": 300,
}
VALUES: Final[Mapping[str, Mapping[str, Any]]] = {
    "call_vendor": {
        "Vendor": "replicate",
        "RequestQueueUrl": "http://127.0.0.1/000000000000/requests",
        "UrgentQueueUrl": "http://127.0.0.1/000000000000/urgent",
        "ResultsQueueUrl": "http://127.0.0.1/000000000000/results",
        "WorkflowTimeoutSeconds": 600,
        "CallTimeoutSeconds": 300,
        "CallHeartbeatSeconds": 200,
        "FetchTimeoutSeconds": 100,
        "FetchHeartbeatSeconds": 50,
    },
    "dispatch_call": {
        **_EXPRESS,
        "CallerFunctionArn": ECHO_ARN,
        "CallerTimeoutSeconds": 40,
    },
    "dispatch_call_direct": {
        **_EXPRESS,
        "Vendor": "replicate",
        "CallsTable": "calls",
        "JobsTable": "jobs",
        "JobTtlSeconds": 86_400,
        "ProxyHost": "abc.execute-api.us-east-1.amazonaws.com",
        "ProxyStage": "v",
        "SubmitMethod": "POST",
        "SubmitPath": "/jobs",
        "SubmitFields": {"notify": "https://example.com/callbacks/replicate"},
        "JobIdPath": "job.id",
    },
}


def definition(name: str, **changes: Any) -> Any:
    """Return a workflow with plain values bound, as Step Functions would get it."""
    bound = bind(name, {**VALUES[name], **changes})
    text = bound.text
    for placeholder, value in bound.substitutions.items():
        text = text.replace(f"${{{placeholder}}}", value)
    return json.loads(text)


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that has ended."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    states: Sequence[str]
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)


class Engine:
    """Runs the three workflows; a test case of `mocks.json` scripts the answers of tasks."""

    def __init__(self, target: LocalTarget) -> None:
        self.step_functions = target.client("stepfunctions")
        self.s3 = target.client("s3")
        self._sqs = target.client("sqs")
        self._dynamodb = target.client("dynamodb")
        self.queue_url: str = self._sqs.create_queue(QueueName="requests")["QueueUrl"]
        self.urgent_url: str = self._sqs.create_queue(QueueName="urgent")["QueueUrl"]
        self.results_url: str = self._sqs.create_queue(QueueName="results")["QueueUrl"]
        for table, key in (("calls", "call_id"), ("jobs", "job_key")):
            self._dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self._lambda = target.client("lambda")
        self.function("echo", ECHO)
        for name in NAMES:
            self.create(name, definition(name, **(self.queues if name == "call_vendor" else {})))

    @property
    def queues(self) -> Mapping[str, str]:
        """The queues of `call_vendor`, by placeholder."""
        return {
            "RequestQueueUrl": self.queue_url,
            "UrgentQueueUrl": self.urgent_url,
            "ResultsQueueUrl": self.results_url,
        }

    def function(self, name: str, source: str) -> str:
        """Make a function, `handle` of a source; returns its ARN."""
        self._lambda.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ANY_ROLE_ARN,
            Handler="main.handle",
            Code={"ZipFile": zipped(source)},
        )
        return ACCOUNT.format(service="lambda", resource=f"function:{name}")

    def create(self, name: str, machine: Any) -> None:
        """Make a state machine. Standard where AWS has Express too: only then is there a history to read."""
        self.step_functions.create_state_machine(name=name, definition=json.dumps(machine), roleArn=ANY_ROLE_ARN)

    def start(self, name: str, case: str | None, machine_input: Any, *, execution: str | None = None) -> str:
        """Start an execution and return its ARN."""
        arn = ACCOUNT.format(service="states", resource=f"stateMachine:{name}") + (f"#{case}" if case else "")
        named = {"name": execution} if execution else {}
        started = self.step_functions.start_execution(stateMachineArn=arn, input=json.dumps(machine_input), **named)
        return str(started["executionArn"])

    def end(self, arn: str) -> Run:
        """Wait for the end of an execution, twenty seconds at most."""
        found: dict[str, Any] = Retrying(
            retry=retry_if_result(lambda found: found["status"] == "RUNNING"),
            wait=wait_fixed(0.03),
            stop=stop_after_delay(20),
        )(self.step_functions.describe_execution, executionArn=arn)
        pages = self.step_functions.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        entered = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
        exited = [event["stateExitedEventDetails"] for event in events if "stateExitedEventDetails" in event]
        succeeded = found["status"] == "SUCCEEDED"
        return Run(
            status=found["status"],
            output=json.loads(found["output"]) if succeeded else None,
            error=found.get("error"),
            cause=found.get("cause"),
            states=[details["name"] for details in entered],
            inputs={details["name"]: json.loads(details["input"]) for details in entered},
            outputs={details["name"]: json.loads(details["output"]) for details in exited},
        )

    def run(self, name: str, case: str | None, machine_input: Any, *, execution: str | None = None) -> Run:
        """Start an execution and wait for its end."""
        return self.end(self.start(name, case, machine_input, execution=execution))

    def receive(self) -> Any:
        """Return the next request from the queue, and take it off."""
        return self.receive_with_group(self.queue_url)[0]

    def receive_fetch(self) -> Any:
        """Return the next message of the results queue, and take it off."""
        return self.receive_with_group(self.results_url)[0]

    def receive_with_group(self, queue_url: str) -> tuple[Any, str | None]:
        """Return the next message of a queue and its message group, and take it off."""
        message = self._sqs.receive_message(
            QueueUrl=queue_url, WaitTimeSeconds=10, MessageSystemAttributeNames=["MessageGroupId"]
        )["Messages"][0]
        self._sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"]), message.get("Attributes", {}).get("MessageGroupId")

    def redrive(self, arn: str) -> None:
        """Let an execution that has failed go on."""
        self.step_functions.redrive_execution(executionArn=arn)

    def succeed(self, token: str, output: Any) -> None:
        """Resume a waiting task."""
        self.step_functions.send_task_success(taskToken=token, output=json.dumps(output))

    def fail(self, token: str, error: str, cause: str) -> None:
        """Fail a waiting task."""
        self.step_functions.send_task_failure(taskToken=token, error=error, cause=cause)

    def put(self, table: str, **attributes: str | int | bool | set[str]) -> None:
        """Write an item."""
        write = TypeSerializer().serialize
        self._dynamodb.put_item(TableName=table, Item={name: write(value) for name, value in attributes.items()})

    def item(self, table: str, **key: str) -> dict[str, Any]:
        """Return an item."""
        found = self._dynamodb.get_item(TableName=table, Key={name: {"S": value} for name, value in key.items()})
        return {name: TypeDeserializer().deserialize(value) for name, value in found["Item"].items()}

    def remove(self, table: str, **key: str) -> None:
        """Delete an item."""
        self._dynamodb.delete_item(TableName=table, Key={name: {"S": value} for name, value in key.items()})


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Start ministack with the scripted answers; waits and back-offs take a thousandth of their time."""
    switches = {"SFN_MOCK_CONFIG": str(Path(__file__).parent / "mocks.json"), "SFN_WAIT_SCALE": "0.001"}
    with started(tmp_path_factory.mktemp("engine"), **switches) as cloud:
        yield Engine(cloud)


@pytest.fixture(params=NAMES)
def workflow(request: pytest.FixtureRequest) -> tuple[str, Any]:
    """Return name and bound definition of each workflow."""
    return request.param, definition(request.param)
