"""The names by which the stacks say what they have are those by which they are read."""

import json
from typing import TYPE_CHECKING

from headway_cdk.outputs import OPTIONAL, STACKS, StackOutput, VendorResource

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates


def test_every_output_is_there(templates: "Templates") -> None:
    names = {name for stack in STACKS for name in templates.stacks[stack].get("Outputs", {})}
    assert set(StackOutput) <= names


def test_every_lane_has_what_each_must_have_and_some_lane_has_each_of_the_others(another: "Templates") -> None:
    output = another.stacks["HeadwayStateless"]["Outputs"][StackOutput.VENDORS]
    lanes = [set(lane) for lane in json.loads(another.say(output["Value"])).values()]
    assert set.intersection(*lanes) >= set(VendorResource) - OPTIONAL
    assert set.union(*lanes) == set(VendorResource)
