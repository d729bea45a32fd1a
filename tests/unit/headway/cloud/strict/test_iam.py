"""What a task asks of IAM, and who may assume a role."""

import json
from typing import Any

import pytest
from ministack.services import apigateway_v1, eventbridge, iam, sqs

from headway.cloud.strict import _sender_roles
from headway.cloud.strict._machine_roles import calls_of
from headway.cloud.strict._roles import Actor, denial, trusted

OPTIMIZED = "arn:aws:states:::"
HERE = "us-east-1:000000000000"
STATES = "states.amazonaws.com"
MACHINE = f"arn:aws:states:{HERE}:stateMachine:m"
SENDING = ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:q")


@pytest.mark.parametrize(
    ("resource", "arguments", "asked"),
    [
        (
            "sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": "http://h/000000000000/q"},
            ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:q"),
        ),
        ("dynamodb:updateItem", {"TableName": "t"}, ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{HERE}:table/t")),
        ("lambda:invoke", {"FunctionName": "f"}, ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f")),
        ("states:startExecution.sync:2", {"StateMachineArn": MACHINE}, ("states:StartExecution", MACHINE)),
        ("sns:publish", {"TopicArn": "arn:topic"}, ("sns:Publish", "arn:topic")),
        (
            "events:putEvents",
            {"Entries": [{"EventBusName": "news"}]},
            ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/news"),
        ),
        ("events:putEvents", {"Entries": [{}]}, ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default")),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, ("s3:GetObject", "arn:aws:s3:::b/k")),
        ("aws-sdk:sfn:startExecution", {"StateMachineArn": MACHINE}, ("states:StartExecution", MACHINE)),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t"}, ("dynamodb:GetItem", f"arn:aws:dynamodb:{HERE}:table/t")),
    ],
)
def test_a_task_asks_for_the_action_and_the_resource_of_its_call(
    resource: str, arguments: dict[str, Any], asked: tuple[str, str]
) -> None:
    call = calls_of(OPTIMIZED + resource, arguments)
    assert call is not None
    assert call[:2] == asked


def test_an_activity_asks_for_nothing_and_an_api_asks_by_itself() -> None:
    assert calls_of(f"arn:aws:states:{HERE}:activity:a", {}) is None
    assert calls_of(f"{OPTIMIZED}apigateway:invoke", {"ApiEndpoint": "a1.execute-api.x"}) is None


def role(
    name: str, condition: dict[str, Any] | None = None, service: str = STATES, may: tuple[str, str] = SENDING
) -> str:
    """Put a role into the emulator's memory; it allows `may`, an action on a resource."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": may[0], "Resource": may[1]}
    iam._roles[name] = {
        "AssumeRolePolicyDocument": {"Statement": [{**trust, **({"Condition": condition} if condition else {})}]},
        "InlinePolicies": {"it": json.dumps({"Statement": [allowed]})},
        "AttachedPolicies": [],
    }
    return f"arn:aws:iam::000000000000:role/{name}"


def test_a_role_is_trusted_to_whom_its_policy_names() -> None:
    assert trusted(role("named"), STATES)
    assert trusted(role("regional", service="states.us-east-1.amazonaws.com"), STATES)
    assert not trusted(role("of-another", service="lambda.amazonaws.com"), STATES)
    assert not trusted("arn:aws:iam::000000000000:role/nobody", STATES)


def test_a_condition_on_the_source_holds_for_that_machine_only() -> None:
    arn = role("conditioned", {"ArnLike": {"aws:SourceArn": MACHINE}})
    queue = f"arn:aws:sqs:{HERE}:q"
    assert denial(Actor(arn, STATES, MACHINE, "s"), "sqs:SendMessage", queue) is None
    refused = denial(Actor(arn, STATES, f"{MACHINE}2", "s"), "sqs:SendMessage", queue)
    assert refused is not None
    assert "not authorized to assume" in refused


def test_a_decision_is_made_anew_when_a_policy_has_changed() -> None:
    actor = Actor(role("changing"), STATES, MACHINE, "s")
    queue = f"arn:aws:sqs:{HERE}:q"
    assert denial(actor, "sqs:SendMessage", queue) is None
    iam._roles["changing"]["InlinePolicies"] = {}
    assert "not authorized to perform: sqs:SendMessage" in str(denial(actor, "sqs:SendMessage", queue))
    role("changing")
    assert denial(actor, "sqs:SendMessage", queue) is None


def test_a_rule_starts_a_machine_in_a_role_that_may_and_in_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(eventbridge, "_invoke_target", lambda target, *_: started.append(target["RoleArn"]))
    for module, name in ((apigateway_v1, "_invoke_sqs_v1"), (sqs, "_dispatch")):
        monkeypatch.setattr(module, name, getattr(module, name))  # so that what `apply` puts there goes afterwards
    _sender_roles.apply()
    allowed = role("may-start", service=_sender_roles.EVENTS, may=("states:StartExecution", MACHINE))
    others = role("starts-another", service=_sender_roles.EVENTS, may=("states:StartExecution", f"{MACHINE}2"))
    of_another = role("of-a-schedule", service=_sender_roles.SCHEDULER, may=("states:StartExecution", MACHINE))
    for arn in (others, allowed, of_another, ""):
        eventbridge._invoke_target({"Arn": MACHINE, "RoleArn": arn}, {}, {"Arn": f"arn:aws:events:{HERE}:rule/r"})
    assert started == [allowed]
