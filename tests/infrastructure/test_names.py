"""Names that others can know without asking, and no fixed name on what has to be taken up again."""

import re
from typing import TYPE_CHECKING

from headway_cdk.configuration import schema
from headway_cdk.stages import STAGE_PATTERN

from tests.infrastructure.conftest import PRESS, STAGE

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Templates

NAMES = {
    "AWS::AppConfig::Application": ("Name", 64),
    "AWS::AppConfig::ConfigurationProfile": ("Name", 128),
    "AWS::AppConfig::DeploymentStrategy": ("Name", 64),
    "AWS::AppConfig::Environment": ("Name", 64),
    "AWS::IAM::Policy": ("PolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Alias": ("Name", 128),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::SSM::Parameter": ("Name", 1_011),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
"""Types with a fixed name: the property, and how many characters it may have (the API references of the services)."""
OTHER_NAMES = ("AlarmName", "BucketName", "DashboardName", "LogGroupName", "QueueName", "TableName", "TopicName")
"""Properties that would fix a name of another type; of the rest `Name` would."""
MACHINES = {"CallVendor/Machine": "call-vendor", "DispatchCall/Machine": "dispatch-call"}
FUNCTIONS = ("dispatcher", "caller", "settler", "results", "callback")


def test_stage_and_vendor_of_these_tests_have_the_longest_names_that_there_can_be(templates: "Templates") -> None:
    vendor_pattern = schema("vendor")["properties"]["vendor"]["pattern"]
    for name, pattern in ((STAGE, STAGE_PATTERN), (PRESS, vendor_pattern)):
        assert re.search(pattern, name)
        assert not re.search(pattern, f"{name}x")
    assert (len(STAGE), len(PRESS)) == (12, 31)


def test_no_name_is_longer_than_its_service_allows(templates: "Templates") -> None:
    for kind, (key, most) in NAMES.items():
        for name, properties in templates.of_type(kind).items():
            said = properties.get(key, "")
            assert len(said) <= most, f"{name}: {said} has {len(said)} characters"


def test_machines_and_functions_have_their_conventional_names(templates: "Templates") -> None:
    for vendor in templates.vendors:
        prefix = f"headway-{STAGE}-{vendor.name}"
        machines = templates.of_type("AWS::StepFunctions::StateMachine", vendor.name)
        named = {name: machine["StateMachineName"] for name, machine in machines.items()}
        assert named == {f"{vendor.name}/{machine}": f"{prefix}-{word}" for machine, word in MACHINES.items()}
        asked = [
            function
            for function in FUNCTIONS
            if (function != "caller" or not vendor.dispatch.direct) and (function != "callback" or vendor.callback)
        ]
        functions = templates.of_type("AWS::Lambda::Function", vendor.name)
        assert {name: function["FunctionName"] for name, function in functions.items()} == {
            f"{vendor.name}/{function.capitalize()}/Function": f"{prefix}-{function}" for function in asked
        }


def test_a_role_is_called_like_what_it_is_of(templates: "Templates") -> None:
    words = {
        **{f"{function.capitalize()}/Role": function for function in FUNCTIONS},
        "CallVendor/Role": "call-vendor",
        "DispatchCall/Role": "dispatch",  # `dispatch-call` would be two characters too many for the longest names
        "Callbacks/Role": "inbox",
        "ScheduleRole": "schedule",
        "AlarmRole": "alarms",
    }
    roles = {name: role.get("RoleName") for name, role in templates.of_type("AWS::IAM::Role").items()}
    assert roles.pop("base/LoggingRole") is None, "it is retained"
    for name, said in roles.items():
        vendor, _, part = name.partition("/")
        assert said == f"headway-{STAGE}-{vendor}-{words[part]}", name
    assert len(set(roles.values())) == len(roles), "names of roles hold in a whole account"


def test_names_of_a_vendors_configuration_tell_stage_and_vendor(templates: "Templates") -> None:
    for vendor in templates.vendors:
        [application] = templates.of_type("AWS::AppConfig::Application", vendor.name).values()
        assert application["Name"] == f"headway-{STAGE}-{vendor.name}-config"
        [environment] = templates.of_type("AWS::AppConfig::Environment", vendor.name).values()
        assert environment["Name"] == vendor.name
    strategies = templates.of_type("AWS::AppConfig::DeploymentStrategy").values()
    assert {strategy["Name"] for strategy in strategies} == {f"headway-{STAGE}-atonce", f"headway-{STAGE}-gradual"}


def test_what_is_retained_has_no_fixed_name_so_that_a_vendor_can_be_added_again(templates: "Templates") -> None:
    retained = {name: found for name, found in templates.resources.items() if found.get("DeletionPolicy") == "Retain"}
    assert {found["Type"] for found in retained.values()} == {
        "AWS::ApiGateway::Account",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
    }
    for name, found in retained.items():
        assert not {key for key in found.get("Properties", {}) if key.endswith("Name")}, name


def test_only_what_is_found_by_its_name_has_one(templates: "Templates") -> None:
    for name, found in templates.resources.items():
        if found["Type"] not in NAMES:
            assert not found.get("Properties", {}).keys() & {"Name", *OTHER_NAMES} or found["Type"] in (
                "AWS::ApiGateway::RestApi",  # an API's name need not be its own, and nobody looks for it
                "AWS::Events::Rule",  # the policy of a queue in another stack names it
            ), name
