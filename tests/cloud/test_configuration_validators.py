"""AppConfig's validators: what they refuse is not deployed, by nobody."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from headway.deployment.target import Target
from tests.cloud.conftest import Clouds
from tests.cloud.functions import function_of, status_of_stack

SCHEMA = json.dumps(
    {"type": "object", "required": ["rate_per_s"], "properties": {"rate_per_s": {"type": "number", "minimum": 0}}}
)
VALID, INVALID = b'{"rate_per_s": 2}', b'{"rate_per_s": -2}'
FUNCTION = """
import base64, json
def handler(event, context):
    if json.loads(base64.b64decode(event["content"]))["rate_per_s"] > 10:
        raise Exception("faster than the contract: version " + event["configurationVersion"])
"""


class Profile:
    """An application with one environment and one profile."""

    def __init__(self, target: Target, *validators: dict[str, str]) -> None:
        self.client = target.client("appconfig")
        self.application = self.client.create_application(Name="validators")["Id"]
        self.environment = self.client.create_environment(ApplicationId=self.application, Name="acme")["Id"]
        self.strategy = self.client.create_deployment_strategy(
            Name="at-once",
            DeploymentDurationInMinutes=0,
            GrowthFactor=100,
            FinalBakeTimeInMinutes=0,
            ReplicateTo="NONE",
        )["Id"]
        self.profile = self.client.create_configuration_profile(
            ApplicationId=self.application, Name="tuning", LocationUri="hosted", Validators=list(validators)
        )["Id"]

    def version(self, content: bytes) -> str:
        made = self.client.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            Content=content,
            ContentType="application/json",
        )
        return str(made["VersionNumber"])

    def deploy(self, content: bytes) -> Any:
        return self.client.start_deployment(
            ApplicationId=self.application,
            EnvironmentId=self.environment,
            DeploymentStrategyId=self.strategy,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=self.version(content),
        )

    def deployed_count(self) -> int:
        listed = self.client.list_deployments(ApplicationId=self.application, EnvironmentId=self.environment)
        return len(listed["Items"])

    def validate(self, content: bytes) -> None:
        self.client.validate_configuration(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=self.version(content),
        )


def schema_of(content: str) -> dict[str, str]:
    return {"Type": "JSON_SCHEMA", "Content": content}


def test_a_content_against_the_schema_is_not_deployed_and_the_details_say_why(clouds: Clouds) -> None:
    profile = Profile(clouds.strict, schema_of(SCHEMA))
    profile.deploy(VALID)
    with pytest.raises(ClientError) as refused:
        profile.deploy(INVALID)
    answer: Any = refused.value.response
    assert answer["Error"]["Code"] == "BadRequestException"
    assert answer["Reason"] == "InvalidConfiguration"
    (detail,) = answer["Details"]["InvalidConfiguration"]
    assert (detail["Constraint"], detail["Location"]) == ("minimum", "#/rate_per_s")
    assert profile.deployed_count() == 1


def test_the_lenient_cloud_deploys_anything(clouds: Clouds) -> None:
    assert Profile(clouds.lenient, schema_of(SCHEMA)).deploy(INVALID)["State"] == "COMPLETE"


def test_a_configuration_can_be_validated_without_deploying_it(clouds: Clouds) -> None:
    profile = Profile(clouds.strict, schema_of(SCHEMA))
    profile.validate(VALID)
    with pytest.raises(profile.client.exceptions.BadRequestException):
        profile.validate(INVALID)
    assert profile.deployed_count() == 0


def test_a_function_refuses_by_an_error(clouds: Clouds) -> None:
    function = clouds.strict.client("lambda").get_function(FunctionName=function_of(clouds.strict, FUNCTION))
    arn = function["Configuration"]["FunctionArn"]
    profile = Profile(clouds.strict, {"Type": "LAMBDA", "Content": arn})
    profile.deploy(VALID)
    with pytest.raises(profile.client.exceptions.BadRequestException, match="faster than the contract: version 2"):
        profile.deploy(b'{"rate_per_s": 11}')
    assert profile.deployed_count() == 1


@pytest.mark.parametrize("validators", [[schema_of("{}")] * 3, [schema_of(" " * 32_769)]], ids=["three", "too long"])
def test_a_profile_has_at_most_two_validators_of_32768_characters(
    clouds: Clouds, validators: list[dict[str, str]]
) -> None:
    with pytest.raises(ClientError) as refused:
        Profile(clouds.strict, *validators)
    assert refused.value.response["Error"]["Code"] == "BadRequestException"


def stack_of(content: bytes) -> dict[str, Any]:
    application = {"ApplicationId": {"Ref": "Application"}}
    profile = {**application, "ConfigurationProfileId": {"Ref": "Profile"}}
    resources = {
        "Application": ("Application", {"Name": "of-a-stack"}),
        "Environment": ("Environment", {**application, "Name": "acme"}),
        "Strategy": (
            "DeploymentStrategy",
            {"Name": "s", "DeploymentDurationInMinutes": 0, "GrowthFactor": 100, "ReplicateTo": "NONE"},
        ),
        "Profile": (
            "ConfigurationProfile",
            {**application, "Name": "tuning", "LocationUri": "hosted", "Validators": [schema_of(SCHEMA)]},
        ),
        "Version": (
            "HostedConfigurationVersion",
            {**profile, "Content": content.decode(), "ContentType": "application/json"},
        ),
        "Deployment": (
            "Deployment",
            {
                **profile,
                "EnvironmentId": {"Ref": "Environment"},
                "ConfigurationVersion": {"Ref": "Version"},
                "DeploymentStrategyId": {"Ref": "Strategy"},
            },
        ),
    }
    return {
        "Resources": {
            name: {"Type": f"AWS::AppConfig::{kind}", "Properties": properties}
            for name, (kind, properties) in resources.items()
        }
    }


def test_a_stack_that_deploys_what_a_validator_refuses_fails(clouds: Clouds) -> None:
    assert status_of_stack(clouds.strict, "validated", stack_of(VALID)) == "CREATE_COMPLETE"
    assert status_of_stack(clouds.strict, "refused", stack_of(INVALID)) == "ROLLBACK_COMPLETE"
    assert status_of_stack(clouds.lenient, "anything", stack_of(INVALID)) == "CREATE_COMPLETE"
