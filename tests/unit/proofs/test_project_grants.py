"""The role of a machine and the needs of its states: each that is missing, and each too many, is seen."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.proofs.project_grants import ORDER, Grant, differences

JOINED = ["arn:", {"Ref": "AWS::Partition"}, ":states:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]


def statement(grant: Grant) -> dict[str, Any]:
    action, name = grant
    arn: dict[str, Any] = {"Fn::Join": ["", [*JOINED, f":{name}"]]}
    if name.startswith("<"):
        arn = {"Fn::GetAtt": [f"{name.strip('<>')}FunctionFA49B431", "Arn"]}
    return {"Action": action, "Effect": "Allow", "Resource": arn}


def policy(role: str, *statements: dict[str, Any]) -> dict[str, Any]:
    properties = {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": role}]}
    return {"Type": "AWS::IAM::Policy", "Properties": properties}


def told(assembly: Path, *grants: Grant) -> list[str]:
    """Write the template of a machine with these grants, and what there always is beside it; compare."""
    tracing = {"Action": ["xray:PutTraceSegments", "logs:CreateLogDelivery"], "Effect": "Allow", "Resource": "*"}
    resources = {
        "Policy": policy("WorkfloworderMachineRole3AB6A159", tracing, *map(statement, grants)),
        "Other": policy("WorkflowotherMachineRole3AB6A159", statement(("s3:GetObject", "x"))),
        "Role": {"Type": "AWS::IAM::Role"},
    }
    (assembly / "Headway-dev-workflows.template.json").write_text(json.dumps({"Resources": resources}))
    return differences(assembly, "order", ORDER)


def test_a_role_that_may_do_what_its_states_need_is_right(tmp_path: Path) -> None:
    assert told(tmp_path, *ORDER) == []


@pytest.mark.parametrize("missing", sorted(ORDER))
def test_each_grant_that_is_taken_away_is_missed(tmp_path: Path, missing: Grant) -> None:
    assert told(tmp_path, *(ORDER - {missing})) == [f"order lacks {missing[0]} on {missing[1]}"]


@pytest.mark.parametrize("grant", [("sqs:SendMessage", "queue"), ("states:StartExecution", "stateMachine:other")])
def test_a_grant_too_many_is_seen(tmp_path: Path, grant: Grant) -> None:
    assert told(tmp_path, *ORDER, grant) == [f"order needs no {grant[0]} on {grant[1]}"]
