"""AppConfig, and the one condition that tells the clouds apart. The embedded cloud enforces none of the first."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.names import pascal
from headway_cdk.parameters import poll_verbs
from headway_cdk.resources import CONFIGURATION
from headway_cdk.tuning_schema import most_per_s, tuning_schema
from headway_lane.contract.vendor import Vendor
from headway_lane.runtime.names import CANCEL_PREFIX, CONTRACT_PROFILE, TUNING_PROFILE

from tests.infrastructure.conftest import CALLING, PRESS

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

VALIDATOR_CHARACTERS = 32_768
VALIDATORS_PER_PROFILE = 2
SCHEMA_OF = {CONTRACT_PROFILE: "vendor", TUNING_PROFILE: "tuning"}


def test_every_profile_has_the_repositorys_schema_as_validator_within_appconfigs_limits(
    templates: "Templates",
) -> None:
    for vendor in templates.vendors:
        profiles = templates.of_type("AWS::AppConfig::ConfigurationProfile", vendor.name)
        named = {profile["Name"]: profile for profile in profiles.values()}
        assert named.keys() == SCHEMA_OF.keys()
        for name, profile in named.items():
            (validator,) = profile["Validators"]
            assert len(profile["Validators"]) <= VALIDATORS_PER_PROFILE
            assert validator["Type"] == "JSON_SCHEMA"
            assert len(validator["Content"]) < VALIDATOR_CHARACTERS
            schema = json.loads(validator["Content"])
            general = json.loads((CONFIGURATION / f"{SCHEMA_OF[name]}.schema.json").read_text())
            assert schema == (tuning_schema(general, vendor) if name == "tuning" else general)
            assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"


def test_a_deployment_is_taken_back_while_configurations_cannot_be_read(templates: "Templates") -> None:
    (base,) = [
        name for name, value in templates.of_type("AWS::IAM::Role", "base").items() if name.endswith("AlarmRole")
    ]
    assert base
    for vendor in templates.vendors:
        (monitor,) = templates.properties(f"{vendor.name}/Configuration/Environment")["Monitors"]
        assert templates.say(monitor["AlarmArn"]) == f"<{vendor.name}/Watch/ConfigurationsUnread>"
        assert monitor["AlarmRoleArn"]["Ref"].endswith("BaseAlarmRoleArn")


def test_a_vendor_has_an_application_of_its_own_and_all_of_its_configuration_is_there(templates: "Templates") -> None:
    for vendor in templates.vendors:
        own = f"{vendor.name}/Configuration"
        parts = ("ConfigurationProfile", "Deployment", "Environment", "HostedConfigurationVersion")
        for part in parts:
            found = templates.of_type(f"AWS::AppConfig::{part}", vendor.name)
            assert len(found) == (1 if part == "Environment" else len(SCHEMA_OF)), part
            applications = {templates.say(properties["ApplicationId"]) for properties in found.values()}
            assert applications == {f"<{own}/Application>"}, part
        deployments = templates.of_type("AWS::AppConfig::Deployment", vendor.name)
        for name, deployment in deployments.items():
            profile = name.removesuffix("/Deployment")
            assert templates.say(deployment["ConfigurationProfileId"]) == f"<{profile}>"
            assert templates.say(deployment["ConfigurationVersion"]) == f"<{profile}/Version>"
            assert templates.say(deployment["EnvironmentId"]) == f"<{own}/Environment>"


def test_tuning_is_rolled_out_gradually_and_watched_on_aws_and_at_once_on_the_embedded_cloud(
    templates: "Templates",
) -> None:
    gradual = templates.properties("base/Gradual")
    assert gradual["GrowthType"] == "LINEAR"
    assert gradual["GrowthFactor"] == 25
    assert gradual["DeploymentDurationInMinutes"] == {"Fn::If": ["IsEmbeddedCloud", 0, 4]}
    assert gradual["FinalBakeTimeInMinutes"] == {"Fn::If": ["IsEmbeddedCloud", 0, 2]}
    at_once = templates.properties("base/AtOnce")
    assert (at_once["GrowthFactor"], at_once["DeploymentDurationInMinutes"]) == (100, 0)
    assert {
        name: templates.say(deployment["DeploymentStrategyId"])
        for name, deployment in templates.of_type("AWS::AppConfig::Deployment").items()
    } == {
        f"{vendor.name}/Configuration/{profile}/Deployment": strategy
        for vendor in templates.vendors
        for profile, strategy in (("Contract", "<base/AtOnce>"), ("Tuning", "<base/Gradual>"))
    }


def test_an_environment_gets_one_deployment_at_a_time(templates: "Templates") -> None:
    for vendor in templates.vendors:
        tuning = templates.resources[f"{vendor.name}/Configuration/Tuning/Deployment"]
        assert f"{vendor.name}/Configuration/Contract/Deployment" in tuning["DependsOn"]


def test_what_is_hosted_is_what_the_files_say(templates: "Templates") -> None:
    tuning = templates.properties(f"{PRESS}/Configuration/Tuning/Version")
    contract = templates.properties(f"{PRESS}/Configuration/Contract/Version")
    assert tuning["ContentType"] == contract["ContentType"] == "application/json"
    capped = most_per_s(templates.vendor(PRESS))  # the file says 0.2, and the contract is the ceiling
    assert json.loads(tuning["Content"]) == {"delay_ms": 250, "rate_per_s": capped}
    file = templates.configuration / "vendors" / f"{PRESS}.yaml"
    assert json.loads(contract["Content"]) == yaml.safe_load(file.read_text())


PAUSED = {"AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule"}
"""Types that ask whether an operator has paused the lane."""


def choices(node: Any, path: str) -> Iterator[str]:
    """Yield the path of every `Fn::If`, down to the property or the environment variable."""
    if isinstance(node, dict):
        if "Fn::If" in node:
            yield path
        for key, value in node.items():
            yield from choices(value, path if key.startswith("Fn::") else f"{path}.{key}")
    elif isinstance(node, list):
        for item in node:
            yield from choices(item, path)


def test_the_clouds_differ_in_one_condition_and_in_these_places_only(templates: "Templates") -> None:
    for vendor in templates.vendors:
        assert "Conditions" not in templates.stack(vendor.name, "state")
    for stack in (templates.stack("base"), *(templates.stack(vendor.name, "lane") for vendor in templates.vendors)):
        of_the_cloud = {name: rule for name, rule in stack["Conditions"].items() if not name.startswith("IsPaused")}
        assert of_the_cloud == {"IsEmbeddedCloud": {"Fn::Not": [{"Fn::Equals": [{"Ref": "EmbeddedCloudUrl"}, ""]}]}}
        assert stack["Parameters"]["EmbeddedCloudUrl"]["Default"] == ""
        assert set(choices(stack.get("Outputs", {}), "Outputs")) == set()
    assert [name for name, resource in templates.resources.items() if "Condition" in resource] == []
    places = {
        place
        for name, resource in templates.resources.items()
        for place in choices(resource.get("Properties", {}), name)
        if resource["Type"] not in PAUSED
    }
    environment = "Function.Environment.Variables"
    assert places == {
        "base/Gradual.DeploymentDurationInMinutes",
        "base/Gradual.FinalBakeTimeInMinutes",
        *(f"{name}/Callback/{environment}.HEADWAY_CALLBACK_URL" for name, _ in templates.called_back),
        *(f"{name}/Parameter.Value" for name, _ in templates.called_back),  # it tells the callback URL
        f"replicate/Caller/{environment}.HEADWAY_CALLBACK_URL",  # the only caller that tells it with a submit
        *(f"{hop}/{environment}.HEADWAY_PROXY_URL" for hop in CALLING),
        f"{PRESS}/DispatchCall/Machine.DefinitionString",  # the callback URL among its fields
        *proxied(templates.vendors),
    }


def proxied(vendors: Sequence[Vendor]) -> set[str]:
    """Name where the proxies say where their vendors are."""
    methods = [(vendor.name, verb) for vendor in vendors for verb in (vendor.submit.method, *poll_verbs(vendor))]
    places = {f"{name}/Proxy/Api/Default/{{proxy+}}/{verb}.Integration.Uri" for name, verb in methods}
    return places | {
        f"{vendor.name}/Proxy/Api/Default{CANCEL_PREFIX}/{{proxy+}}/{vendor.cancel.method}.Integration.Uri"
        for vendor in vendors
        if vendor.cancel
    }


def test_the_direct_way_is_refused_where_calls_would_have_to_wait_for_permits(
    templates: "Templates", tmp_path: Path
) -> None:
    directory = tmp_path / "appconfig"
    shutil.copytree(templates.configuration, directory)
    path = directory / "vendors" / f"{PRESS}.yaml"
    contract = yaml.safe_load(path.read_text())
    for pacing in ({"pacing": "permits"}, {}):  # which is what no word means
        dispatch = {key: value for key, value in contract["dispatch"].items() if key != "pacing"}
        path.write_text(yaml.safe_dump({**contract, "dispatch": {**dispatch, **pacing}}))
        with pytest.raises(ConfigurationError) as refused:
            load_vendors(directory)
        assert str(refused.value) == (f"{path}: `dispatch.direct`: no function waits for a permit; set `pacing: delay`")


def test_a_vendor_is_where_its_contract_says_unless_a_parameter_says_otherwise(templates: "Templates") -> None:
    for vendor in templates.vendors:
        own = {
            name: parameter["Default"]
            for name, parameter in templates.stack(vendor.name, "lane")["Parameters"].items()
            if name.startswith("BaseUrl")
        }
        assert own == {f"BaseUrl{pascal(vendor.name)}": ""}  # `cdk deploy` would keep an old default
