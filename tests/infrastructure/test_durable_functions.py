"""What a durable function may do, and what the lanes that it calls may do to it: as much as follows, and no more."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest
from headway_cdk.configuration import load_vendors
from headway_cdk.project import find

from headway.deployment.synthesis import node
from tests.checkout import ROOT

PROJECT: Final = ROOT / "examples" / "durable"
FUNCTION: Final = "headway-dev-workflows-order"
CALLBACK: Final = "lambda:SendDurableExecutionCallback"


@pytest.fixture(scope="module")
def resources() -> Mapping[str, Mapping[str, Any]]:
    """Return the resources of the example's stack of functions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JSII_NODE", node())  # before anything imports aws_cdk
        from aws_cdk import App
        from aws_cdk.assertions import Template
        from headway_cdk.stacks import WorkflowsStack

        project = find(PROJECT)
        vendors = [files.vendor for files in load_vendors(project.configuration, project.stage)]
        made: Mapping[str, Any] = Template.from_stack(WorkflowsStack(App(), project=project, vendors=vendors)).to_json()
    resources: Mapping[str, Mapping[str, Any]] = made["Resources"]
    return resources


def of_type(resources: Mapping[str, Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [one["Properties"] for one in resources.values() if one["Type"] == kind]


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    said: list[Mapping[str, Any]] = policy["PolicyDocument"]["Statement"]
    return said


def actions(statement: Mapping[str, Any]) -> set[str]:
    said = statement["Action"]
    return {said} if isinstance(said, str) else set(said)


def test_the_function_is_durable_and_knows_its_lane_by_the_names_that_a_workflow_has(
    resources: Mapping[str, Mapping[str, Any]],
) -> None:
    (function,) = of_type(resources, "AWS::Lambda::Function")
    assert function["FunctionName"] == FUNCTION
    assert function["DurableConfig"] == {"ExecutionTimeout": 86_400}
    named = {"RequestQueueUrl", "ResultsQueueUrl", "CallTimeoutSeconds", "CallHeartbeatSeconds", "FetchTimeoutSeconds"}
    assert {f"Replicate{name}" for name in named} < function["Environment"]["Variables"].keys()


def test_the_function_may_keep_its_own_executions_and_send_to_its_lanes_queues(
    resources: Mapping[str, Mapping[str, Any]],
) -> None:
    (own,) = [one for one in of_type(resources, "AWS::IAM::Policy") if not str(one["PolicyName"]).startswith("settle-")]
    by_actions = {frozenset(actions(one)): json.dumps(one["Resource"]) for one in statements(own)}
    executions = by_actions[frozenset({"lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"})]
    assert f":function:{FUNCTION}:*" in executions
    queues = by_actions[frozenset({"sqs:SendMessage"})]
    assert "RequestQueueUrl" in queues
    assert "ResultsQueueUrl" in queues
    assert {action for allowed in by_actions for action in allowed if not action.startswith("logs:")} == {
        "lambda:CheckpointDurableExecution",
        "lambda:GetDurableExecutionState",
        "sqs:SendMessage",
    }


def test_each_function_of_the_lane_may_end_its_callbacks_as_it_may_settle_tasks_and_no_others(
    resources: Mapping[str, Mapping[str, Any]],
) -> None:
    may: dict[str, set[str]] = {}
    for policy in of_type(resources, "AWS::IAM::Policy"):
        if str(policy["PolicyName"]).startswith("settle-"):
            (statement,) = statements(policy)
            assert f":function:{FUNCTION}:*" in json.dumps(statement["Resource"])
            for role in policy["Roles"]:
                may[str(role).removeprefix("headway-dev-replicate-")] = {
                    action.removeprefix(CALLBACK) for action in actions(statement)
                }
    every = {"Success", "Failure", "Heartbeat"}
    assert may["dispatcher"] == {"Failure", "Heartbeat"}
    assert may["caller"] == may["callback"] == may["results"] == every
    assert may["settler"] >= {"Failure", "Heartbeat"}
