"""AppConfig, and the one condition that tells the clouds apart. The embedded cloud enforces none of the first."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.parameters import logical_name
from headway_lane.runtime.names import CONTRACT_PROFILE, TUNING_PROFILE, profile_name

from tests.infrastructure.conftest import CALLING

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

VALIDATOR_CHARACTERS = 32_768
VALIDATORS_PER_PROFILE = 2
SCHEMA_OF = {CONTRACT_PROFILE: "vendor", TUNING_PROFILE: "tuning"}


def test_every_profile_has_the_repositorys_schema_as_validator_within_appconfigs_limits(
    templates: "Templates",
) -> None:
    profiles = {
        profile["Name"]: profile for profile in templates.of_type("AWS::AppConfig::ConfigurationProfile").values()
    }
    assert profiles.keys() == {profile_name(v.name, kind) for v in templates.vendors for kind in SCHEMA_OF}
    for name, profile in profiles.items():
        (validator,) = profile["Validators"]
        assert len(profile["Validators"]) <= VALIDATORS_PER_PROFILE
        assert validator["Type"] == "JSON_SCHEMA"
        assert len(validator["Content"]) < VALIDATOR_CHARACTERS
        schema = json.loads(validator["Content"])
        kind = SCHEMA_OF[name.rpartition("-")[2]]
        assert schema == json.loads((templates.configuration / f"{kind}.schema.json").read_text())
        assert schema["$schema"] == "http://json-schema.org/draft-04/schema#"


def test_tuning_is_rolled_out_gradually_and_watched_on_aws_and_at_once_on_the_embedded_cloud(
    templates: "Templates",
) -> None:
    gradual = templates.properties("Configuration/Gradual")
    assert gradual["GrowthType"] == "LINEAR"
    assert gradual["GrowthFactor"] == 25
    assert gradual["DeploymentDurationInMinutes"] == {"Fn::If": ["IsEmbeddedCloud", 0, 4]}
    assert gradual["FinalBakeTimeInMinutes"] == {"Fn::If": ["IsEmbeddedCloud", 0, 2]}
    at_once = templates.properties("Configuration/AtOnce")
    assert (at_once["GrowthFactor"], at_once["DeploymentDurationInMinutes"]) == (100, 0)
    strategies = {
        name.split("/")[1]: templates.say(deployment["DeploymentStrategyId"])
        for name, deployment in templates.of_type("AWS::AppConfig::Deployment").items()
    }
    for profile, strategy in strategies.items():
        assert strategy == ("<Configuration/Gradual>" if profile.startswith("Tuning") else "<Configuration/AtOnce>")


def test_an_environment_gets_one_deployment_at_a_time(templates: "Templates") -> None:
    for name, resource in templates.resources.items():
        if resource["Type"] == "AWS::AppConfig::Deployment" and "/Tuning" in name:
            contract = name.replace("/Tuning", "/Contract")
            after = [templates.say({"Ref": logical_id}) for logical_id in resource["DependsOn"]]
            assert f"<{contract}>" in after


def test_what_is_hosted_is_what_the_files_say(another: "Templates") -> None:
    hosted = another.properties("Configuration/TuningSlowPress/Version")
    assert hosted["ContentType"] == "application/json"
    assert json.loads(hosted["Content"]) == {"delay_ms": 250, "rate_per_s": 0.2}


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


def test_the_clouds_differ_in_one_condition_and_in_these_places_only(another: "Templates") -> None:
    stateful, stateless = (another.stacks[name] for name in ("HeadwayStateful", "HeadwayStateless"))
    assert "Conditions" not in stateful
    assert stateless["Conditions"] == {
        "IsEmbeddedCloud": {"Fn::Not": [{"Fn::Equals": [{"Ref": "EmbeddedCloudUrl"}, ""]}]}
    }
    assert stateless["Parameters"]["EmbeddedCloudUrl"]["Default"] == ""
    assert [name for name, resource in another.resources.items() if "Condition" in resource] == []
    places = {place for name, resource in another.resources.items() for place in choices(resource["Properties"], name)}
    environment = "Function.Environment.Variables"
    assert places == {
        "Configuration/Gradual.DeploymentDurationInMinutes",
        "Configuration/Gradual.FinalBakeTimeInMinutes",
        f"Callback/{environment}.HEADWAY_CALLBACK_URL",
        f"Lane-call-desk/Caller/{environment}.HEADWAY_CALLBACK_URL",
        f"Lane-night-desk/Caller/{environment}.HEADWAY_CALLBACK_URL",
        f"Lane-replicate/Caller/{environment}.HEADWAY_CALLBACK_URL",
        *(f"{hop}/{environment}.HEADWAY_PROXY_URL" for hop in CALLING),
        "Lane-slow-press/DispatchCall/Machine.DefinitionString",  # the callback URL among its fields
    }
    assert set(choices(stateless["Outputs"], "Outputs")) == {"Outputs.CallbackUrl.Value"}


def test_the_direct_way_is_refused_where_calls_would_have_to_wait_for_permits(
    another: "Templates", tmp_path: Path
) -> None:
    directory = tmp_path / "appconfig"
    shutil.copytree(another.configuration, directory)
    path = directory / "vendors" / "slow-press.yaml"
    contract = yaml.safe_load(path.read_text())
    for pacing in ({"pacing": "permits"}, {}):  # which is what no word means
        dispatch = {key: value for key, value in contract["dispatch"].items() if key != "pacing"}
        path.write_text(yaml.safe_dump({**contract, "dispatch": {**dispatch, **pacing}}))
        with pytest.raises(ConfigurationError) as refused:
            load_vendors(directory)
        assert str(refused.value) == (f"{path}: `dispatch.direct`: no function waits for a permit; set `pacing: delay`")


def test_the_outputs_say_where_each_part_of_a_lane_is(another: "Templates") -> None:
    found = another.stacks["HeadwayStateless"]["Outputs"].items()
    outputs = {name: another.say(output["Value"]) for name, output in found if "ApiEndpoint" not in name}  # CDK's own
    vendors, workflows = json.loads(outputs["Vendors"]), json.loads(outputs["Workflows"])
    names = [vendor.name for vendor in another.vendors]
    assert workflows == {"call_vendor": {name: f"<Lane-{name}/CallVendor/Machine>" for name in names}}

    def shared(name: str) -> dict[str, str]:
        lane, logical = f"Lane-{name}", logical_name(name)
        return {
            "request_queue_url": f"<RequestQueue{logical}>",
            "request_dlq_url": f"<RequestDlq{logical}>",
            "dispatch_machine_arn": f"<{lane}/DispatchCall/Machine>",
            "dispatcher_function": f"<{lane}/Dispatcher/Function>",
            "drain_function": f"<{lane}/Drain/Function>",
            "rejection_function": f"<{lane}/Rejection/Function>",
            "results_function": f"<{lane}/Results/Function>",
            "proxy_api_id": f"<{lane}/Proxy/Api>",
        }

    def key(name: str) -> dict[str, str]:
        return {"webhook_key_arn": f"<WebhookKey{logical_name(name)}>"}

    own = {"caller_function": "<Lane-replicate/Caller/Function>", "api_token_arn": "<ApiTokenReplicate>"}
    polled = {"reconciler_function": "<Lane-replicate/Reconciler/Function>"}
    urgent = {"urgent_queue_url": "<UrgentQueueSlowPress>"}
    desk = {"caller_function": "<Lane-call-desk/Caller/Function>", "api_token_arn": "<ApiTokenCallDesk>"}
    silent = {
        "caller_function": "<Lane-night-desk/Caller/Function>",
        "reconciler_function": "<Lane-night-desk/Reconciler/Function>",
        "urgent_queue_url": "<UrgentQueueNightDesk>",
    }
    assert vendors == {
        "call-desk": shared("call-desk") | key("call-desk") | desk | {"urgent_queue_url": "<UrgentQueueCallDesk>"},
        "night-desk": shared("night-desk") | silent,
        "replicate": shared("replicate") | key("replicate") | own | polled,
        "slow-press": shared("slow-press") | key("slow-press") | urgent,
    }
    callbacks = "https://<Callbacks/Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/<Callbacks/Api/DeploymentStage.v>"
    assert {name: value for name, value in outputs.items() if name not in {"Vendors", "Workflows"}} == {
        "CallsTable": "<Calls>",
        "JobsTable": "<Jobs>",
        "BudgetsTable": "<Budgets>",
        "ClaimsBucket": "<Claims>",
        "CallbackQueueUrl": "<CallbackQueue>",
        "CallbackDlqUrl": "<CallbackDlq>",
        "CallbackFunction": "<Callback/Function>",
        "CallbackUrl": f"{callbacks}/callbacks",
    }


def test_a_vendor_is_where_its_contract_says_unless_a_parameter_says_otherwise(another: "Templates") -> None:
    parameters = another.stacks["HeadwayStateless"]["Parameters"]
    assert parameters["BaseUrlReplicate"]["Default"] == "https://api.replicate.com"
    assert parameters["BaseUrlSlowPress"]["Default"] == "https://api.slow-press.example"
