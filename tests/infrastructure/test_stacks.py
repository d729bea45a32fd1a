"""The stacks of a stage: two for a vendor, found by SSM parameters, none in the way of another."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infrastructure.conftest import PRESS, STAGE

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Probe, Templates

MOST_ROLES = 8
"""Of a vendor that calls back and is polled: a role for each function and machine, and one to store callbacks. IAM
allows 1,000 roles an account (IAM quotas), which then are 125 vendors.
"""
MOST_RESOURCES = 110
NIGHT_DESK = "night-desk"


def test_a_vendor_has_two_stacks_and_beside_all_of_them_there_is_one(templates: "Templates") -> None:
    vendors = ("call-desk", NIGHT_DESK, "replicate", PRESS)
    lanes = {f"Headway-{STAGE}-{vendor}-{part}" for vendor in vendors for part in ("state", "lane")}
    assert templates.stacks.keys() == {f"Headway-{STAGE}-base", *lanes}


def test_no_stack_exports_anything_or_imports_it(templates: "Templates") -> None:
    for name, stack in templates.stacks.items():
        assert not [output for output in stack.get("Outputs", {}).values() if "Export" in output], name
        text = json.dumps(stack)
        assert [word for word in ("Fn::ImportValue", "Fn::GetStackOutput") if word in text] == [], name


def test_what_a_lane_looks_up_its_own_state_or_the_base_has_written_and_neither_looks_up_anything(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        looked_up = set(templates.lookups(f"Headway-{STAGE}-{vendor.name}-lane").values())
        writers = {templates.published[path][0].partition("/")[0] for path in looked_up}
        assert writers == {vendor.name, "base"}, vendor.name
        of_the_state = {path for path in templates.published if path.startswith(f"/headway/{STAGE}/{vendor.name}/")}
        unasked = of_the_state - looked_up - {f"/headway/{STAGE}/{vendor.name}/lane"}
        assert unasked == set(), "everything that a state tells is of use to its lane"
        assert templates.lookups(f"Headway-{STAGE}-{vendor.name}-state") == {}
    assert templates.lookups(f"Headway-{STAGE}-base") == {}


def test_every_parameter_is_told_under_its_stage_and_owner_by_the_owners_stack(templates: "Templates") -> None:
    for path, (name, _) in templates.published.items():
        owner = name.partition("/")[0]
        assert path.startswith(f"/headway/{STAGE}/{owner}/"), name
    of_the_base = {path for path, (name, _) in templates.published.items() if name.startswith("base/")}
    told = ("at_once_strategy_id", "gradual_strategy_id", "alarm_role_arn")
    assert of_the_base == {f"/headway/{STAGE}/base/{name}" for name in told}


def test_a_lane_is_deployed_after_its_state_and_the_base_and_no_vendor_waits_for_another(
    templates: "Templates",
) -> None:
    manifest = json.loads((templates.directory / "manifest.json").read_text())
    after = {
        name: {other for other in artifact.get("dependencies", []) if other in templates.stacks}
        for name, artifact in manifest["artifacts"].items()
        if name in templates.stacks
    }
    base = f"Headway-{STAGE}-base"
    assert after.pop(base) == set()
    for vendor in templates.vendors:
        state = f"Headway-{STAGE}-{vendor.name}-state"
        assert after.pop(state) == set()
        assert after.pop(f"Headway-{STAGE}-{vendor.name}-lane") == {base, state}
    assert after == {}


def test_what_outlives_deployments_cannot_be_deleted_by_accident_and_lanes_can_go(templates: "Templates") -> None:
    artifacts = json.loads((templates.directory / "manifest.json").read_text())["artifacts"]
    guarded = {name for name in templates.stacks if artifacts[name]["properties"].get("terminationProtection")}
    assert guarded == {f"Headway-{STAGE}-{vendor.name}-state" for vendor in templates.vendors}


def test_the_base_holds_only_what_aws_has_few_of(templates: "Templates") -> None:
    types = {name: resource["Type"] for name, resource in templates.resources.items() if name.startswith("base/")}
    assert types == {
        "base/AtOnce": "AWS::AppConfig::DeploymentStrategy",
        "base/Gradual": "AWS::AppConfig::DeploymentStrategy",
        "base/Parameter-at_once_strategy_id": "AWS::SSM::Parameter",
        "base/Parameter-gradual_strategy_id": "AWS::SSM::Parameter",
        "base/Parameter-alarm_role_arn": "AWS::SSM::Parameter",
        "base/AlarmRole": "AWS::IAM::Role",
        "base/AlarmRole/DefaultPolicy": "AWS::IAM::Policy",
        "base/LoggingRole": "AWS::IAM::Role",
        "base/Logging": "AWS::ApiGateway::Account",
    }


def test_the_regions_logging_stays_when_the_base_goes_or_every_api_of_the_account_would_lose_its_log(
    templates: "Templates",
) -> None:
    for name in ("base/LoggingRole", "base/Logging"):
        resource = templates.resources[name]
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name
    assert templates.say(templates.properties("base/Logging")["CloudWatchRoleArn"]) == "<base/LoggingRole>"
    elsewhere = templates.of_type("AWS::ApiGateway::Account").keys() - {"base/Logging"}
    assert elsewhere == set(), "a region has one"


def test_a_lane_costs_few_roles_and_resources(templates: "Templates", capsys: pytest.CaptureFixture[str]) -> None:
    vendor = templates.vendor("replicate")
    assert vendor.callback
    assert vendor.poll
    roles = templates.of_type("AWS::IAM::Role", vendor.name)
    resources = [name for name in templates.resources if name.startswith(f"{vendor.name}/")]
    with capsys.disabled():
        print(f"\n{vendor.name}: {len(roles)} roles, {len(resources)} resources in its two stacks")  # noqa: T201
    assert len(roles) <= MOST_ROLES
    assert len(resources) <= MOST_RESOURCES


def test_the_same_input_makes_the_same_templates_to_the_byte_in_every_process(
    templates: "Templates", probe: "Probe"
) -> None:
    assert len(templates.files) == len(list(probe.directory.glob("*.template.json"))) == 9
    for path in templates.files:
        assert path.read_bytes() == (probe.directory / path.name).read_bytes(), path.name


def test_a_vendor_that_calls_nobody_back_has_no_callback_api_queue_function_or_key(templates: "Templates") -> None:
    assert templates.vendor(NIGHT_DESK).callback is None
    own = {name: resource for name, resource in templates.resources.items() if name.startswith(f"{NIGHT_DESK}/")}
    assert [name for name in own if "callback" in name.lower() or "webhook" in name.lower()] == []
    apis = templates.of_type("AWS::ApiGateway::RestApi", NIGHT_DESK)
    assert apis.keys() == {f"{NIGHT_DESK}/Proxy/Api"}, "the way out and no way in"
    assert templates.of_type("AWS::SecretsManager::Secret", NIGHT_DESK) == {}
    assert templates.of_type("AWS::SQS::Queue", NIGHT_DESK).keys() == {
        f"{NIGHT_DESK}/{name}" for name in ("RequestQueue", "UrgentQueue", "ResultsQueue", "RequestDlq")
    }


def test_no_part_of_a_lane_speaks_of_callbacks_where_there_are_none(templates: "Templates") -> None:
    speaking = {
        name
        for name, resource in templates.resources.items()
        if name.startswith(f"{NIGHT_DESK}/") and spoken_of_callbacks(resource)
    }
    assert speaking == {f"{NIGHT_DESK}/Configuration/Contract"}, "the schema of all contracts, and nothing else"


def spoken_of_callbacks(resource: Any) -> bool:
    """Tell whether a resource names callbacks or what comes with them."""
    text = json.dumps(resource).lower()
    return "callback" in text or "webhook" in text
