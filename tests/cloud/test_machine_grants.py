"""The grants that follow from a file are enough for what the file does, and without them it is refused."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from headway_cdk.definitions import bind_file
from headway_cdk.machine_grants import grants_of
from headway_cdk.placeholders import AwsAccount, Binding, function, queue, table

from headway.deployment.target import Target
from headway.testing.waiting import until
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of
from tests.cloud.machines import DONE
from tests.cloud.roles import ANY_ROLE_ARN, role_for

ACCOUNT = AwsAccount("aws", "us-east-1", "000000000000")
ECHO = "def handler(event, context):\n    return event\n"
TASKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sqs:SendMessage": ("sqs:sendMessage", {"QueueUrl": "${AcmeRequestQueueUrl}", "MessageBody": "x"}),
    "lambda:InvokeFunction": ("lambda:invoke", {"FunctionName": "${UseResultFunctionArn}"}),
    "dynamodb:PutItem": ("dynamodb:putItem", {"TableName": "${OrdersTable}", "Item": {"order_id": {"S": "1"}}}),
    "states:StartExecution": ("states:startExecution.sync:2", {"StateMachineArn": "${AcmeCallVendorArn}"}),
}
"""What a machine may do, by the action that it is asked for.

Not S3: the emulator's tasks cannot put or get an object.
"""


@pytest.fixture(scope="module")
def bound(clouds: Clouds) -> Iterator[Mapping[str, Binding]]:
    """Make one of each, on the strict cloud."""
    target, name = clouds.strict, f"grants-{uuid4().hex[:8]}"
    url = target.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    target.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    inner = {"StartAt": "Done", "States": {"Done": DONE}}
    target.client("stepfunctions").create_state_machine(name=name, definition=json.dumps(inner), roleArn=ANY_ROLE_ARN)
    yield {
        "AcmeRequestQueueUrl": queue(url, ACCOUNT.arn("sqs", name)),
        "UseResultFunctionArn": function(ACCOUNT.arn("lambda", f"function:{function_of(target, ECHO)}")),
        "OrdersTable": table(name, ACCOUNT.arn("dynamodb", f"table/{name}")),
        "AcmeCallVendorArn": ACCOUNT.machine(name),
    }
    target.client("sqs").delete_queue(QueueUrl=url)


def run(target: Target, bound: Mapping[str, Binding], path: Path, task: Mapping[str, Any], *without: str) -> str:
    """Run a machine of one task in a role of its own grants, `without` some actions; return how it ended."""
    state = {"Type": "Task", "End": True, **task}
    document = {"QueryLanguage": "JSONata", "StartAt": "Do", "States": {"Do": state}}
    path.write_text(json.dumps(document))
    grants = grants_of(document, bound, file=path.name, machine="order", account=ACCOUNT)
    allowed = [(action, arn) for action, arns in grants.items() if action not in without for arn in arns]
    client = target.client("stepfunctions")
    made = client.create_state_machine(
        name=f"order-{uuid4().hex}",
        definition=bind_file(path, bound).text,
        roleArn=role_for(target, "states", *allowed),
    )
    arn = client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]

    def ended() -> str | None:
        status = str(client.describe_execution(executionArn=arn)["status"])
        return None if status == "RUNNING" else status

    return until(ended)


@pytest.mark.parametrize("action", TASKS)
def test_a_machine_may_do_what_its_file_does_by_its_grants_and_not_without(
    clouds: Clouds, bound: Mapping[str, Binding], tmp_path: Path, action: str
) -> None:
    call, arguments = TASKS[action]
    task = {"Resource": f"arn:aws:states:::{call}", "Arguments": arguments}
    path = tmp_path / "order.asl.json"
    assert run(clouds.strict, bound, path, task) == "SUCCEEDED"
    assert run(clouds.strict, bound, path, task, action) == "FAILED"
