"""What a deployment says of itself: the names on both sides are the same, and a missing one is said."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from headway.deployment.stack import STACK_FILE, DeployedLane, Stack
from headway_cdk.outputs import OPTIONAL, StackOutput, VendorResource

from headway.deployment.connection import connect
from headway.errors import NotDeployed, NotRunning

LANE = {name.value: f"the {name.value}" for name in VendorResource}
OUTPUTS: dict[str, str] = {
    **{name.value: f"the {name.value}" for name in StackOutput},
    StackOutput.WORKFLOWS: json.dumps({"call_vendor": {"acme": "arn"}}),
    StackOutput.VENDORS: json.dumps({"acme": LANE}),
}


def test_a_lane_has_a_field_for_every_resource_and_may_lack_those_that_not_every_contract_asks_for() -> None:
    assert {field.name for field in fields(DeployedLane)} == set(VendorResource)
    assert {field.name for field in fields(DeployedLane) if field.default is not MISSING} == OPTIONAL


def test_every_output_is_read_into_a_field() -> None:
    stack = Stack.from_outputs(OUTPUTS)
    names = {field.name for field in fields(Stack)} - {"outputs"}
    read: dict[str, Any] = {name: getattr(stack, name) for name in names}
    assert len(read) == len(StackOutput)
    assert read.pop("workflows") == {"call_vendor": {"acme": "arn"}}
    assert read.pop("vendors") == {"acme": DeployedLane(**LANE)}
    assert sorted(read.values()) == sorted(
        f"the {name.value}" for name in set(StackOutput) - {StackOutput.WORKFLOWS, StackOutput.VENDORS}
    )
    assert stack.callback_url("acme") == "the CallbackUrl/acme"


@pytest.mark.parametrize("name", list(StackOutput))
def test_a_missing_output_is_named(name: StackOutput) -> None:
    with pytest.raises(NotDeployed, match=f"the stacks have no output '{name.value}': deploy them with this version"):
        Stack.from_outputs({key: value for key, value in OUTPUTS.items() if key != name})


def test_a_lane_without_a_resource_that_each_has_is_of_another_version_and_one_that_is_unknown_is_passed_over() -> None:
    lane = {key: value for key, value in LANE.items() if key != VendorResource.PROXY_API_ID}
    with pytest.raises(NotDeployed, match="proxy_api_id"):
        Stack.from_outputs({**OUTPUTS, StackOutput.VENDORS: json.dumps({"acme": lane})})
    newer = json.dumps({"acme": {**LANE, "teleporter": "x"}})
    assert Stack.from_outputs({**OUTPUTS, StackOutput.VENDORS: newer}).vendors["acme"] == DeployedLane(**LANE)


def test_what_up_has_written_is_read_back(tmp_path: Path) -> None:
    with pytest.raises(NotDeployed, match="nothing is deployed on the embedded cloud: run `headway up` first"):
        Stack.of_embedded_cloud(tmp_path)
    stack = Stack.from_outputs(OUTPUTS)
    stack.write(tmp_path)
    assert Stack.of_embedded_cloud(tmp_path) == stack
    assert [path.name for path in tmp_path.iterdir()] == [STACK_FILE]


def test_without_a_cloud_nothing_is_connected(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"no embedded cloud runs in .*: run `headway up` first"):
        connect(state_dir=tmp_path)
