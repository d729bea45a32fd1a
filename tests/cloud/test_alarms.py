"""Metrics that AWS's services publish by themselves, and the alarms on them; the minute of this cloud is short."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from headway.deployment.target import Target
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of
from tests.cloud.roles import ANY_ROLE_ARN
from tests.cloud.started import started

MINUTE_S = 0.4
FUNCTION = """
import json
def handler(event, context):
    for count in event.get("counts", ()):
        print(json.dumps({
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [
                {"Namespace": "Ours", "Dimensions": [["vendor"]], "Metrics": [{"Name": "Calls", "Unit": "Count"}]}
            ]},
            "vendor": "acme", "Calls": [count],
        }))
    if event.get("fail"):
        raise Exception("broken")
"""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Start a strict cloud with short minutes: nobody here can wait for whole ones."""
    with started(tmp_path_factory.mktemp("hasty"), HEADWAY_METRIC_MINUTE_S=str(MINUTE_S)) as target:
        yield target


def until(told: Callable[[], Any], wanted: Any, patience_s: float = 6 * MINUTE_S + 3) -> None:
    """Ask until the answer is the wanted one."""
    end_s = time.monotonic() + patience_s
    while (found := told()) != wanted and time.monotonic() < end_s:
        time.sleep(MINUTE_S / 4)
    assert found == wanted


def alarm_on(target: Target, name: str, metric: str, dimensions: dict[str, str], **more: Any) -> Callable[[], str]:
    """Make an alarm as our template makes them, and return what tells its state."""
    client = target.client("cloudwatch")
    client.put_metric_alarm(
        **{
            "AlarmName": name,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
    )

    def state() -> str:
        (found,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found["StateValue"])

    return state


def total(target: Target, namespace: str, metric: str, dimensions: dict[str, str], stat: str = "Sum") -> float:
    """Return a statistic of a metric over the last hour; 0 where there is none."""
    now = datetime.now(UTC)
    (found,) = target.client("cloudwatch").get_metric_data(
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace,
                        "MetricName": metric,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    },
                    "Period": 86_400,
                    "Stat": stat,
                },
            }
        ],
    )["MetricDataResults"]
    return float(sum(found["Values"]))


def test_one_message_in_a_dead_letter_queue_rings_its_alarm_and_no_other(hasty: Target) -> None:
    sqs, sns = hasty.client("sqs"), hasty.client("sns")
    full, empty, heard = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("full-dlq", "empty-dlq", "heard"))
    heard_arn = sqs.get_queue_attributes(QueueUrl=heard, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    hears = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**hears, "Resource": heard_arn}]})
    sqs.set_queue_attributes(QueueUrl=heard, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard_arn)
    depth = "ApproximateNumberOfMessagesVisible"
    states = {
        name: alarm_on(
            hasty, name, depth, {"QueueName": name}, Namespace="AWS/SQS", Statistic="Maximum", AlarmActions=[topic]
        )
        for name in ("full-dlq", "empty-dlq")
    }
    until(states["full-dlq"], "OK")
    sqs.send_message(QueueUrl=full, MessageBody="dead")
    until(states["full-dlq"], "ALARM")
    assert states["empty-dlq"]() == "OK"
    (message,) = sqs.receive_message(QueueUrl=heard, WaitTimeSeconds=2)["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"])["NewStateValue"] == "ALARM"
    sqs.purge_queue(QueueUrl=full)
    until(states["full-dlq"], "OK")
    assert sqs.get_queue_attributes(QueueUrl=empty, AttributeNames=["All"])["Attributes"]


def test_a_queue_counts_what_is_sent_received_and_deleted(hasty: Target) -> None:
    sqs = hasty.client("sqs")
    url = sqs.create_queue(QueueName="counted")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "two"}, {"Id": "b", "MessageBody": "three"}]
    )
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2, WaitTimeSeconds=1)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    named = {"QueueName": "counted"}
    for metric, count in (("Sent", 3), ("Received", 2), ("Deleted", 1)):
        until(partial(total, hasty, "AWS/SQS", f"NumberOfMessages{metric}", named), count)
    assert total(hasty, "AWS/SQS", "ApproximateAgeOfOldestMessage", named, "Maximum") > 0
    assert total(hasty, "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", named, "Maximum") >= 1


def test_what_a_redrive_policy_moves_is_not_counted_as_sent_but_is_visible(hasty: Target) -> None:
    sqs = hasty.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=url["QueueUrl"], MessageBody="twice")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url["QueueUrl"])
    named = {"QueueName": "dead"}
    until(lambda: total(hasty, "AWS/SQS", "ApproximateNumberOfMessagesVisible", named, "Maximum"), 1)
    assert total(hasty, "AWS/SQS", "NumberOfMessagesSent", named) == 0


def test_a_machine_counts_its_executions_by_their_ends(hasty: Target) -> None:
    states = hasty.client("stepfunctions")
    definition = {
        "StartAt": "Which",
        "States": {
            "Which": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "Broken"}],
                "Default": "Fine",
            },
            "Broken": {"Type": "Fail", "Error": "Broken"},
            "Fine": {"Type": "Succeed"},
        },
    }
    arn = states.create_state_machine(name="counted", definition=json.dumps(definition), roleArn=ANY_ROLE_ARN)[
        "stateMachineArn"
    ]
    for number, fail in enumerate((False, False, True)):
        states.start_execution(stateMachineArn=arn, name=f"number-{number}", input=json.dumps({"fail": fail}))
    named = {"StateMachineArn": arn}
    for metric, count in (("Started", 3), ("Succeeded", 2), ("Failed", 1), ("TimedOut", 0)):
        until(partial(total, hasty, "AWS/States", f"Executions{metric}", named), count)
    assert total(hasty, "AWS/States", "ExecutionTime", named, "SampleCount") == 3


def test_a_function_counts_invocations_and_errors_and_its_metric_lines_are_metrics(hasty: Target) -> None:
    client = hasty.client("lambda")
    name = function_of(hasty, FUNCTION)
    for event in ({"counts": [2, 3]}, {"fail": True}):
        client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    until(lambda: total(hasty, "Ours", "Calls", {"vendor": "acme"}), 5)
    named = {"FunctionName": name}
    until(lambda: total(hasty, "AWS/Lambda", "Invocations", named), 2)
    assert total(hasty, "AWS/Lambda", "Errors", named) == 1


def test_the_lenient_cloud_has_no_metrics_of_queues(clouds: Clouds) -> None:
    sqs = clouds.lenient.client("sqs")
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="untold")["QueueUrl"], MessageBody="any")
    assert clouds.lenient.client("cloudwatch").list_metrics(Namespace="AWS/SQS")["Metrics"] == []


def test_the_lenient_cloud_rings_for_a_metric_of_other_dimensions(clouds: Clouds) -> None:
    states = [
        alarm_on(target, "other", "Depth", {"QueueName": "mine"}, Namespace="Test", Statistic="Maximum")
        for target in (clouds.strict, clouds.lenient)
    ]
    for target in (clouds.strict, clouds.lenient):
        target.client("cloudwatch").put_metric_data(
            Namespace="Test",
            MetricData=[{"MetricName": "Depth", "Value": 5, "Dimensions": [{"Name": "QueueName", "Value": "yours"}]}],
        )
    assert states[1]() == "ALARM"
    assert states[0]() != "ALARM"
