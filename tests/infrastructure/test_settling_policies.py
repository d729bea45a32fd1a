"""What a lane's roles may settle, where several machines of a project wait for its vendor."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from headway_cdk.configuration import load_vendors
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway.deployment.synthesis import node

VENDOR: Final = "replicate"
MACHINES: Final = ("draw", "paint")
WAITING: Final[Mapping[str, Any]] = {
    "StartAt": "CallVendor",
    "States": {
        "CallVendor": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Arguments": {"QueueUrl": "${ReplicateRequestQueueUrl}", "MessageBody": {}},
            "End": True,
        }
    },
}


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """Return the policies of a stack of two machines that wait for one vendor."""
    monkeypatch.setenv("JSII_NODE", node())  # before anything imports aws_cdk
    from aws_cdk import App, Stack
    from aws_cdk.assertions import Template
    from headway_cdk.constructs.headway_workflow import HeadwayWorkflow
    from headway_cdk.constructs.lane_reference import LaneReference

    [files] = load_vendors(EXAMPLE_CONFIGURATION)
    stack = Stack(App(), "Machines")
    lane = LaneReference.found(stack, stage="dev", vendor=files.vendor)
    for name in MACHINES:
        file = tmp_path / f"{name}.asl.json"
        file.write_text(json.dumps({"QueryLanguage": "JSONata", **WAITING}))
        HeadwayWorkflow(stack, name, file=file, lanes=[lane])
    found = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    return [policy["Properties"] for policy in found.values()]


def test_the_machines_of_a_project_do_not_take_each_others_policies_from_a_lanes_roles(
    policies: list[Mapping[str, Any]],
) -> None:
    """IAM keeps a role's policies by their names: of two of one name the last that was put is there."""
    kept: dict[tuple[str, str], str] = {}
    for policy in policies:
        kept |= {(role, policy["PolicyName"]): json.dumps(policy) for role in policy["Roles"] if isinstance(role, str)}
    callers = [said for (role, _), said in kept.items() if role == f"headway-dev-{VENDOR}-caller"]
    settled = {machine for machine in MACHINES for said in callers if f"-{machine}" in said}
    assert settled == set(MACHINES)
    assert all("states:SendTaskHeartbeat" in said for said in callers)
