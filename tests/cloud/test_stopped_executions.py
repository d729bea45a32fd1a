"""EventBridge tells of an execution that somebody stopped, and only a queue that lets the rule in hears of it."""

import json
from uuid import uuid4

import pytest

from headway.deployment.target import Target
from headway.testing.waiting import until
from tests.cloud.conftest import Clouds
from tests.cloud.machines import Machines

ACCOUNT = "000000000000"
STOPPED = {
    "source": ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    "detail": {"status": ["ABORTED"]},
}


def rule_for(target: Target, queue: str, let_in: str | None) -> None:
    """Make a rule that tells a queue of stopped executions; the queue's policy lets a rule of the name `let_in` in, `*`
    for this one.
    """
    sqs, events, name = target.client("sqs"), target.client("events"), f"rule-{uuid4().hex[:8]}"
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    queue_arn = asked["Attributes"]["QueueArn"]
    if let_in is not None:
        rule_arn = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name if let_in == '*' else let_in}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events.put_rule(Name=name, EventPattern=json.dumps(STOPPED))
    told = {
        "InputPathsMap": {"execution": "$.detail.executionArn"},
        "InputTemplate": '{"kind":"stop","execution":<execution>}',
    }
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn, "InputTransformer": told}])


def queue_of(target: Target) -> str:
    return str(target.client("sqs").create_queue(QueueName=f"told-{uuid4().hex[:8]}")["QueueUrl"])


def heard(target: Target, queue: str) -> list[str]:
    """Return what a queue holds, and take it out."""
    found = target.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def stopped(target: Target) -> str:
    """Stop an execution that waits for its token; return its ARN."""
    machines = Machines(target)
    arn = str(
        machines.client.start_execution(stateMachineArn=machines.create({"Wait": machines.waiting()}))["executionArn"]
    )
    assert until(lambda: heard(target, machines.queue_url))
    machines.client.stop_execution(executionArn=arn)
    return arn


@pytest.mark.parametrize("let_in", [None, "another"], ids=["no policy", "another rule"])
def test_a_queue_hears_of_a_stop_only_where_its_policy_lets_the_rule_in(clouds: Clouds, let_in: str | None) -> None:
    open_queue, closed_queue = queue_of(clouds.strict), queue_of(clouds.strict)
    rule_for(clouds.strict, closed_queue, let_in)
    rule_for(clouds.strict, open_queue, "*")
    arn = stopped(clouds.strict)
    [told] = until(lambda: heard(clouds.strict, open_queue))
    assert json.loads(told) == {"kind": "stop", "execution": arn}
    assert heard(clouds.strict, closed_queue) == []


def test_without_the_refusal_every_queue_hears_of_it(clouds: Clouds) -> None:
    queue = queue_of(clouds.lenient)
    rule_for(clouds.lenient, queue, None)
    arn = stopped(clouds.lenient)
    [told] = until(lambda: heard(clouds.lenient, queue))
    assert json.loads(told) == {"kind": "stop", "execution": arn}
