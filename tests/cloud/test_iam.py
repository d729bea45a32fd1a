"""IAM on the embedded cloud: who may what, from outside and for what services do in somebody's role."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from headway.cloud.routes import IAM_ROUTE
from headway.deployment.target import LocalTarget, Target
from headway.testing.waiting import until
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of
from tests.cloud.roles import allow, role_for

ACCOUNT = "000000000000"
REFUSED = "AccessDenied"
ECHO = """
import boto3, os

def handler(event, context):
    if "queue" not in event:
        return {"seen": len(event.get("Records", []))}
    sqs = boto3.client("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    sqs.send_message(QueueUrl=event["queue"], MessageBody="x")
"""


@pytest.fixture
def strict(clouds: Clouds) -> Target:
    return clouds.strict


@pytest.fixture
def queue(strict: Target) -> Iterator[str]:
    yield from queue_of(strict)


def queue_of(target: Target, **attributes: str) -> Iterator[str]:
    url = target.client("sqs").create_queue(QueueName=f"q-{uuid4().hex[:8]}", Attributes=attributes)["QueueUrl"]
    yield url
    target.client("sqs").delete_queue(QueueUrl=url)


def arn_of(queue_url: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue_url.rpartition('/')[2]}"


def depth(target: Target, queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages"]
    answer = target.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return int(answer["Attributes"][names[0]])


def as_role(target: Target, role_arn: str, service: str) -> Any:
    """Return a client with credentials of a role that the account may assume."""
    assert isinstance(target, LocalTarget)
    return target.in_role(role_arn).client(service)


def endpoint(target: Target) -> str:
    assert isinstance(target, LocalTarget)
    return target.endpoint_url


def assumable(target: Target, *statements: tuple[str | list[str], str]) -> str:
    """Make a role that the account itself may assume."""
    role = role_for(target, "lambda", *statements)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        ],
    }
    target.client("iam").update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(trust))
    return role


def end_of(target: Target, role_arn: str, task: dict[str, Any]) -> dict[str, Any]:
    """Run a machine of one task in a role, and return how its execution ended."""
    states = target.client("stepfunctions")
    machine = states.create_state_machine(
        name=f"m-{uuid4().hex[:8]}",
        roleArn=role_arn,
        definition=json.dumps({"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True, **task}}}),
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    found: dict[str, Any] = until(
        lambda: (seen := states.describe_execution(executionArn=arn))["status"] != "RUNNING" and seen
    )
    return found


def send(queue_url: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": queue_url, "MessageBody": "x"},
    }


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value)


# Requests that are signed


def test_a_role_may_do_what_a_policy_of_its_allows_and_nothing_else(strict: Target, queue: str) -> None:
    role = assumable(strict, ("sqs:SendMessage", arn_of(queue)))
    sqs = as_role(strict, role, "sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    assert REFUSED in refused(lambda: sqs.receive_message(QueueUrl=queue))


def test_a_grant_that_is_taken_away_is_gone_with_the_next_request(strict: Target, queue: str) -> None:
    role = assumable(strict, ("sqs:SendMessage", arn_of(queue)))
    sqs = as_role(strict, role, "sqs")
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    allow(strict, role, ("sqs:ReceiveMessage", arn_of(queue)))
    assert REFUSED in refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="x"))
    allow(strict, role, ("sqs:SendMessage", arn_of(queue)))
    sqs.send_message(QueueUrl=queue, MessageBody="x")


def test_a_batch_takes_the_permission_of_a_single_message(strict: Target, queue: str) -> None:
    sqs = as_role(strict, assumable(strict, ("sqs:SendMessage", arn_of(queue))), "sqs")
    assert sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "x"}])["Successful"]
    denied = as_role(strict, assumable(strict, ("sqs:DeleteMessage", arn_of(queue))), "sqs")
    entries = [{"Id": "1", "MessageBody": "x"}]
    assert REFUSED in refused(lambda: denied.send_message_batch(QueueUrl=queue, Entries=entries))


def test_a_grant_on_one_resource_is_none_on_another(strict: Target, queue: str) -> None:
    sqs = as_role(strict, assumable(strict, ("sqs:SendMessage", f"{arn_of(queue)}-other")), "sqs")
    assert REFUSED in refused(lambda: sqs.send_message(QueueUrl=queue, MessageBody="x"))


def test_a_request_with_a_wrong_signature_is_nobodys(strict: Target, queue: str) -> None:
    client = boto3.client(
        "sqs",
        endpoint_url=endpoint(strict),
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wrong",
    )
    assert "security token" in refused(lambda: client.send_message(QueueUrl=queue, MessageBody="x"))


def test_the_lenient_cloud_lets_everybody_do_everything(clouds: Clouds) -> None:
    for url in queue_of(clouds.lenient):
        as_role(clouds.lenient, assumable(clouds.lenient), "sqs").send_message(QueueUrl=url, MessageBody="x")


def test_a_policy_that_wants_tls_is_content_with_a_laptop(strict: Target) -> None:
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*", "Condition": tls}
    for url in queue_of(strict, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})):
        sqs = as_role(strict, assumable(strict, ("sqs:SendMessage", arn_of(url))), "sqs")
        sqs.send_message(QueueUrl=url, MessageBody="x")


def test_a_denial_can_be_read_afterwards(strict: Target, queue: str) -> None:
    role = assumable(strict)
    refused(lambda: as_role(strict, role, "sqs").send_message(QueueUrl=queue, MessageBody="x"))
    denied = httpx.get(endpoint(strict) + IAM_ROUTE).json()["denied"]
    asked = {"principal": role.rpartition("/")[2], "action": "sqs:SendMessage", "resource": arn_of(queue)}
    assert [found for found in denied if asked.items() <= found.items()]


# What services do in a role


def test_a_machine_calls_in_its_role(strict: Target, queue: str) -> None:
    role = role_for(strict, "states", ("sqs:SendMessage", arn_of(queue)))
    assert end_of(strict, role, send(queue))["status"] == "SUCCEEDED"
    allow(strict, role, ("sqs:SendMessage", f"{arn_of(queue)}-other"))
    ended = end_of(strict, role, send(queue))
    assert ended["status"] == "FAILED"
    assert "not authorized to perform: sqs:SendMessage" in ended["cause"]
    assert depth(strict, queue) == 1


def test_a_machine_on_the_lenient_cloud_calls_in_nobodys_role(clouds: Clouds) -> None:
    for url in queue_of(clouds.lenient):
        role = role_for(clouds.lenient, "states")
        assert end_of(clouds.lenient, role, send(url))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("task", "action"),
    [
        (
            {"Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {"TableName": "t", "Key": {}}},
            "dynamodb:GetItem",
        ),
        (
            {"Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem", "Parameters": {"TableName": "t", "Item": {}}},
            "dynamodb:PutItem",
        ),
        ({"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}, "lambda:InvokeFunction"),
        (
            {"Resource": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"},
            "lambda:InvokeFunction",
        ),
        (
            {
                "Resource": "arn:aws:states:::states:startExecution",
                "Parameters": {"StateMachineArn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:child"},
            },
            "states:StartExecution",
        ),
        (
            {
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": f"http://x/{ACCOUNT}/q", "MessageBody.$": "$$.Task.Token"},
            },
            "sqs:SendMessage",
        ),
    ],
)
def test_every_way_in_which_a_task_calls_is_asked_about(strict: Target, task: dict[str, Any], action: str) -> None:
    ended = end_of(strict, role_for(strict, "states"), task)
    assert f"not authorized to perform: {action}" in ended["cause"]


def test_a_machine_whose_role_trusts_somebody_else_is_refused(strict: Target) -> None:
    role = role_for(strict, "lambda")
    assert "authorized to assume" in refused(
        lambda: end_of(strict, role, {"Resource": "arn:aws:states:::sqs:sendMessage"})
    )


def test_a_machines_role_may_trust_for_machines_of_its_account_alone_and_not_for_another_one(strict: Target) -> None:
    def role_trusting_for(machine: str) -> str:
        source = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{machine}"
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
        role, document = role_for(strict, "states"), {"Version": "2012-10-17", "Statement": [trust]}
        name = role.rpartition("/")[2]
        strict.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
        return role

    task = {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": "q", "MessageBody": "x"}}
    assert "not authorized to perform: sqs:SendMessage" in end_of(strict, role_trusting_for("*"), task)["cause"]
    assert "authorized to assume" in refused(lambda: end_of(strict, role_trusting_for("another"), task))


def test_a_machine_with_a_log_needs_the_eight_actions_of_log_delivery(strict: Target) -> None:
    states, group = strict.client("stepfunctions"), f"/log/{uuid4().hex[:8]}"
    strict.client("logs").create_log_group(logGroupName=group)
    destination = {"cloudWatchLogsLogGroup": {"logGroupArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:*"}}

    def make(role: str) -> None:
        states.create_state_machine(
            name=f"m-{uuid4().hex[:8]}",
            roleArn=role,
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            loggingConfiguration={"level": "ALL", "destinations": [destination]},
        )

    deliveries = [f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")]
    others = ["logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies"]
    role = role_for(strict, "states", ([*deliveries, *others], "*"))
    assert "Log Destination" in refused(lambda: make(role))
    allow(strict, role, ([*deliveries, *others, "logs:DescribeLogGroups"], "*"))
    make(role)


def test_a_function_has_the_credentials_of_its_role_and_writes_no_log_without_a_grant(
    strict: Target, queue: str
) -> None:
    role = role_for(strict, "lambda", ("sqs:SendMessage", arn_of(queue)))
    name = function_of(strict, ECHO, role_arn=role)
    invoke = strict.client("lambda").invoke

    def answer() -> dict[str, Any]:
        return dict(invoke(FunctionName=name, Payload=json.dumps({"queue": queue})))

    assert "FunctionError" not in answer()
    assert depth(strict, queue) == 1
    assert not strict.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    allow(strict, role, (["logs:CreateLogStream", "logs:PutLogEvents"], "*"))
    assert answer()["FunctionError"]
    streams = strict.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")
    assert streams["logStreams"]
    allow(strict, role, ("sqs:SendMessage", arn_of(queue)))
    strict.client("lambda").delete_function(FunctionName=name)


def test_a_function_whose_role_trusts_somebody_else_is_refused(strict: Target) -> None:
    role = role_for(strict, "states")
    assert "cannot be assumed by Lambda" in refused(lambda: function_of(strict, ECHO, role_arn=role))


def test_a_mapping_polls_in_the_functions_role(strict: Target, queue: str) -> None:
    polling = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    role = role_for(strict, "lambda", (polling[1:], arn_of(queue)))
    lambda_, name = strict.client("lambda"), function_of(strict, ECHO, role_arn=role)

    def make() -> Any:
        return lambda_.create_event_source_mapping(FunctionName=name, EventSourceArn=arn_of(queue))

    assert "does not have permissions to call ReceiveMessage on SQS" in refused(make)
    allow(strict, role, (polling, arn_of(queue)))
    uuid = make()["UUID"]
    strict.client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    until(lambda: depth(strict, queue) == 0)
    lambda_.delete_event_source_mapping(UUID=uuid)
    lambda_.delete_function(FunctionName=name)


def test_an_integration_sends_in_its_role(strict: Target, queue: str) -> None:
    role = role_for(strict, "apigateway", ("sqs:SendMessage", arn_of(queue)))
    url = inbox(strict, role, queue)
    assert httpx.post(url, json={}).status_code == 202
    allow(strict, role, ("sqs:SendMessage", f"{arn_of(queue)}-other"))
    assert httpx.post(url, json={}).status_code == 400
    assert depth(strict, queue) == 1


def inbox(target: Target, role_arn: str, queue_url: str) -> str:
    """Make an API that sends what it is posted into a queue; return its URL."""
    api = target.client("apigateway")
    api_id = api.create_rest_api(name="inbox")["id"]
    root = api.get_resources(restApiId=api_id)["items"][0]["id"]
    where = {"restApiId": api_id, "resourceId": root, "httpMethod": "POST"}
    api.put_method(**where, authorizationType="NONE")
    api.put_integration(
        **where,
        type="AWS",
        integrationHttpMethod="POST",
        credentials=role_arn,
        uri=f"arn:aws:apigateway:us-east-1:sqs:path/{ACCOUNT}/{queue_url.rpartition('/')[2]}",
        requestTemplates={"application/json": "Action=SendMessage&MessageBody=x"},
    )
    for status, pattern in (("202", ""), ("400", r"4\d{2}")):
        api.put_method_response(**where, statusCode=status)
        api.put_integration_response(**where, statusCode=status, selectionPattern=pattern)
    api.create_deployment(restApiId=api_id, stageName="v")
    return f"{endpoint(target)}/_aws/execute-api/{api_id}/v/"


def test_a_method_with_iam_takes_signed_calls_of_who_may_invoke_it(strict: Target) -> None:
    api = strict.client("apigateway")
    api_id = api.create_rest_api(name="proxy")["id"]
    root = api.get_resources(restApiId=api_id)["items"][0]["id"]
    where = {"restApiId": api_id, "resourceId": root, "httpMethod": "GET"}
    api.put_method(**where, authorizationType="AWS_IAM")
    api.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    api.put_method_response(**where, statusCode="200")
    api.put_integration_response(**where, statusCode="200")
    api.create_deployment(restApiId=api_id, stageName="v")
    url = f"{endpoint(strict)}/_aws/execute-api/{api_id}/v/"
    assert httpx.get(url).status_code == 403
    role = assumable(strict)
    assert signed_get(strict, role, url) == 403
    allow(strict, role, ("execute-api:Invoke", f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/v/GET/"))
    assert signed_get(strict, role, url) == 200


def signed_get(target: Target, role_arn: str, url: str) -> int:
    from botocore.credentials import Credentials
    from headway_lane.vendor_api.proxy import SigV4

    given = target.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
    keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return httpx.get(url, auth=SigV4(keys, "us-east-1")).status_code


def test_a_schedule_calls_its_target_in_its_role(strict: Target, queue: str) -> None:
    role = role_for(strict, "scheduler", ("sqs:SendMessage", arn_of(queue)))
    forbidden = role_for(strict, "scheduler")
    scheduler = strict.client("scheduler")

    def make(name: str, role_arn: str) -> None:
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="at(2020-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target={"Arn": arn_of(queue), "RoleArn": role_arn, "Input": name},
        )

    assert "must allow AWS EventBridge Scheduler" in refused(lambda: make("untrusted", role_for(strict, "lambda")))
    make("forbidden", forbidden)
    make("allowed", role)
    message = until(lambda: strict.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]
    assert message["Body"] == "allowed"
    assert depth(strict, queue) == 0


def test_a_rule_starts_a_machine_in_its_targets_role(strict: Target) -> None:
    states, events, name = strict.client("stepfunctions"), strict.client("events"), f"m-{uuid4().hex[:8]}"
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name=name, definition=definition, roleArn=role_for(strict, "states"))
    arn = machine["stateMachineArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    allowed = role_for(strict, "events", ("states:StartExecution", arn))
    for role in (role_for(strict, "events"), allowed):
        target = {"Id": "it", "Arn": arn, "RoleArn": role, "Input": json.dumps({"role": role})}
        events.put_targets(Rule=name, Targets=[target])
        events.put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}])
    started = until(lambda: states.list_executions(stateMachineArn=arn)["executions"])
    given = [states.describe_execution(executionArn=one["executionArn"])["input"] for one in started]
    assert [json.loads(text)["role"] for text in given] == [allowed]


def test_who_answers_a_task_must_be_allowed_to_for_the_machine_that_waits(strict: Target, queue: str) -> None:
    states = strict.client("stepfunctions")
    wait = {
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
    }
    machine = states.create_state_machine(
        name=f"m-{uuid4().hex[:8]}",
        roleArn=role_for(strict, "states", ("sqs:SendMessage", arn_of(queue))),
        definition=json.dumps({"StartAt": "Do", "States": {"Do": {"Type": "Task", "End": True, **wait}}}),
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    token = until(lambda: strict.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]["Body"]
    role = assumable(strict, ("states:SendTaskSuccess", f"{machine}-other"))
    client = as_role(strict, role, "stepfunctions")
    assert REFUSED in refused(lambda: client.send_task_success(taskToken=token, output="{}"))
    allow(strict, role, ("states:SendTaskSuccess", machine))
    client.send_task_success(taskToken=token, output="{}")


def test_a_configuration_is_read_by_who_may_read_that_one(strict: Target) -> None:
    config = strict.client("appconfig")
    application = config.create_application(Name=f"a-{uuid4().hex[:8]}")["Id"]
    environment = config.create_environment(ApplicationId=application, Name="e")["Id"]
    profile = config.create_configuration_profile(ApplicationId=application, Name="p", LocationUri="hosted")["Id"]
    arn = (
        f"arn:aws:appconfig:us-east-1:{ACCOUNT}:application/{application}/environment/{environment}"
        f"/configuration/{profile}"
    )
    role = assumable(strict, ("appconfig:StartConfigurationSession", arn))
    client = as_role(strict, role, "appconfigdata")
    wanted = {"ApplicationIdentifier": application, "EnvironmentIdentifier": "e", "ConfigurationProfileIdentifier": "p"}
    token = client.start_configuration_session(**wanted)["InitialConfigurationToken"]
    assert REFUSED in refused(lambda: client.get_latest_configuration(ConfigurationToken=token))
    allow(strict, role, ("appconfig:StartConfigurationSession", f"{arn}x"))
    assert REFUSED in refused(lambda: client.start_configuration_session(**wanted))
