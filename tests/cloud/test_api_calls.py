"""`apigateway:invoke`: a machine calls an API of the cloud by its name on AWS, as AWS does it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from headway.cloud.routes import IAM_ROUTE
from headway.deployment.target import Target
from tests.cloud.conftest import Clouds
from tests.cloud.machines import Machines
from tests.cloud.rest_api import STAGE, deploy, echo, proxied
from tests.cloud.roles import ANY_ROLE_ARN, allow, role_for

INVOKE = "execute-api:Invoke"


@pytest.fixture(scope="module")
def back_end() -> Iterator[str]:
    with echo() as url:
        yield url


@pytest.fixture(scope="module")
def target(clouds: Clouds) -> Target:
    return clouds.strict


@pytest.fixture(scope="module")
def api(target: Target, back_end: str) -> str:
    return made(target, back_end)


def made(target: Target, back_end: str, **method: Any) -> str:
    """Deploy an API whose resource `things` passes on to the back end; return its ID."""
    passed = proxied(back_end, **method)
    return deploy(target, {"POST": passed, "GET": passed}).split("/")[-3]


def arn_of(api_id: str, verb: str = "POST") -> str:
    return f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/{STAGE}/{verb}/things"


def calling(api_id: str, **arguments: Any) -> dict[str, Any]:
    """Return the states of a machine that makes one call."""
    named = {"ApiEndpoint": f"{api_id}.execute-api.us-east-1.amazonaws.com", "Stage": STAGE, "Path": "things"}
    call = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "End": True}
    return {"Call": {**call, "Arguments": {**named, "Method": "POST", **arguments}}}


def ended(target: Target, api_id: str, role_arn: str = ANY_ROLE_ARN, **arguments: Any) -> Mapping[str, Any]:
    """Run a machine of one call and return how it ended."""
    machines = Machines(target)
    return machines.end(machines.start(calling(api_id, **arguments), role_arn=role_arn, QueryLanguage="JSONata"))


def result(target: Target, api_id: str, **arguments: Any) -> Any:
    end = ended(target, api_id, **arguments)
    assert end["status"] == "SUCCEEDED", (end.get("error"), end.get("cause"))
    return json.loads(end["output"])


def heard(target: Target, api_id: str, **arguments: Any) -> Any:
    return result(target, api_id, **arguments)["ResponseBody"]


def test_the_answer_comes_with_headers_as_lists_its_status_and_a_body_that_is_read(target: Target, api: str) -> None:
    found = result(target, api)
    assert found.keys() == {"Headers", "ResponseBody", "StatusCode", "StatusText"}
    assert (found["StatusCode"], found["StatusText"]) == (200, "OK")
    assert found["Headers"]["Content-Type"] == ["application/json"]
    assert found["ResponseBody"]["body"] == ""


def test_path_query_and_headers_arrive(target: Target, api: str) -> None:
    found = heard(target, api, Path="/things", QueryParameters={"a": ["1"], "b": ["x y"]}, Headers={"X-Mark": ["m"]})
    assert found["path"] == "/?a=1&b=x+y"
    assert {name.lower(): value for name, value in found["headers"].items()}["x-mark"] == "m"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"RequestBody": {"a": 1, "b": None, "c": [{"d": None}]}}, {"a": 1, "c": [{}]}),
        ({"RequestBody": {"a": 1, "b": None}, "AllowNullValues": True}, {"a": 1, "b": None}),
        ({"RequestBody": "HelloWorld"}, "HelloWorld"),
        ({"RequestBody": "\u6c34"}, "\u6c34"),
    ],
)
def test_a_body_is_sent_as_json_without_the_fields_that_are_null(
    target: Target, api: str, given: dict[str, Any], sent: Any
) -> None:
    found = heard(target, api, **given)
    assert json.loads(found["body"]) == sent
    assert {name.lower(): value for name, value in found["headers"].items()}["content-type"] == "application/json"


def test_no_body_is_sent_for_null_or_with_get(target: Target, api: str) -> None:
    assert heard(target, api, RequestBody=None)["body"] == ""
    assert heard(target, api, Method="GET", RequestBody={"a": 1})["body"] == ""


def test_an_answer_that_is_no_json_is_a_text(target: Target, api: str) -> None:
    assert heard(target, api, Headers={"X-Text": ["no JSON"]}) == "no JSON"


@pytest.mark.parametrize("status", [302, 404, 429, 503])
def test_what_is_no_success_is_an_error_named_by_its_status_with_the_body_as_its_cause(
    target: Target, api: str, status: int
) -> None:
    end = ended(target, api, Headers={"X-Status": [str(status)], "X-Text": ['{"detail": "no"}']})
    assert (end["error"], end["cause"]) == (f"ApiGateway.{status}", '{"detail": "no"}')


def test_a_path_that_the_api_has_not_is_403(target: Target, api: str) -> None:
    end = ended(target, api, Path="nothing")
    assert (end["error"], json.loads(end["cause"])) == ("ApiGateway.403", {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Headers": {"Authorization": ["x"]}}, "The 'Headers' field contains unsupported values: [authorization]"),
        ({"Headers": {"X-Amzn-Trace": ["x"]}}, "The 'Headers' field contains unsupported values: [x-amzn-trace]"),
        ({"Headers": {"X-Mark": "x"}}, "The value of the field 'Headers' has an invalid format"),
        ({"QueryParameters": {"a": "1"}}, "The value of the field 'QueryParameters' has an invalid format"),
        ({"ApiEndpoint": "http://127.0.0.1:4566"}, "The value of the field 'ApiEndpoint' has an invalid format"),
        ({"Method": "TRACE"}, "The value of the field 'Method' has an invalid format"),
        ({"AuthType": "IAM_AUTH"}, "The value of the field 'AuthType' has an invalid format"),
    ],
)
def test_what_the_guide_rules_out_is_not_sent(target: Target, api: str, given: dict[str, Any], words: str) -> None:
    end = ended(target, api, **given)
    assert end["error"] == "States.Runtime"
    assert words in end["cause"]


# Whose call it is


def guarded(target: Target, back_end: str) -> str:
    return made(target, back_end, AuthorizationType="AWS_IAM")


def test_a_machine_calls_in_its_role_and_needs_a_grant_on_the_method(target: Target, back_end: str) -> None:
    api_id = guarded(target, back_end)
    role = role_for(target, "states", (INVOKE, arn_of(api_id)))
    assert ended(target, api_id, role, AuthType="IAM_ROLE")["status"] == "SUCCEEDED"
    allow(target, role, (INVOKE, arn_of(api_id, "GET")))
    end = ended(target, api_id, role, AuthType="IAM_ROLE")
    assert end["error"] == "ApiGateway.403"
    assert f"not authorized to perform: {INVOKE}" in end["cause"]
    asked = {"principal": role.rpartition("/")[2], "action": INVOKE, "resource": arn_of(api_id)}
    assert is_noted(target, "allowed", asked)
    assert is_noted(target, "denied", asked)


def is_noted(target: Target, kind: str, asked: Mapping[str, str]) -> bool:
    told = httpx.get(f"{target.client('sts').meta.endpoint_url}{IAM_ROUTE}").json()
    return any(asked.items() <= found.items() for found in told[kind])


def test_a_role_that_trusts_somebody_else_by_now_may_not_call(target: Target, back_end: str) -> None:
    api_id = guarded(target, back_end)
    role = role_for(target, "states", (INVOKE, arn_of(api_id)))
    machines = Machines(target)
    machine = machines.create(calling(api_id, AuthType="IAM_ROLE"), role_arn=role, QueryLanguage="JSONata")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    target.client("iam").update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=document)
    end = machines.end(machines.client.start_execution(stateMachineArn=machine)["executionArn"])
    assert end["error"] == "ApiGateway.403"
    assert "not authorized to assume the role" in end["cause"]


def test_a_call_without_a_signature_is_403_where_the_method_asks_for_one(clouds: Clouds, back_end: str) -> None:
    for cloud in (clouds.strict, clouds.lenient):
        api_id = guarded(cloud, back_end)
        assert ended(cloud, api_id)["error"] == "ApiGateway.403"
        assert ended(cloud, api_id, AuthType="IAM_ROLE")["status"] == "SUCCEEDED"


def test_the_lenient_cloud_lets_a_machine_call_in_nobodys_role(clouds: Clouds, back_end: str) -> None:
    api_id = guarded(clouds.lenient, back_end)
    role = role_for(clouds.lenient, "states")
    assert ended(clouds.lenient, api_id, role, AuthType="IAM_ROLE")["status"] == "SUCCEEDED"


def test_a_resource_policy_names_the_machines_that_may_call(target: Target, back_end: str) -> None:
    api_id, role = guarded(target, back_end), role_for(target, "states")
    assert ended(target, api_id, role, AuthType="RESOURCE_POLICY")["error"] == "ApiGateway.403"
    machines = {"ArnLike": {"aws:SourceArn": "arn:aws:states:*:*:stateMachine:machine-*"}}
    statement = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": INVOKE}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn_of(api_id), "Condition": machines}]}
    change = {"op": "replace", "path": "/policy", "value": json.dumps(policy)}
    target.client("apigateway").update_rest_api(restApiId=api_id, patchOperations=[change])
    assert ended(target, api_id, role, AuthType="RESOURCE_POLICY")["status"] == "SUCCEEDED"


def test_a_callback_task_sends_its_token_and_waits(target: Target, api: str) -> None:
    token = "{% $states.context.Task.Token %}"
    call = calling(api, RequestBody={"token": token}, Headers={"X-Status": ["503"]})["Call"]
    machines = Machines(target)
    states = {"Call": {**call, "Resource": f"{call['Resource']}.waitForTaskToken", "TimeoutSeconds": 20}}
    end = machines.end(machines.start(states, QueryLanguage="JSONata"))
    assert end["error"] == "ApiGateway.503"
    assert json.loads(json.loads(end["cause"])["body"])["token"]
