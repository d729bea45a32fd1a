"""Request validators of a template: what lacks a parameter or is not of the model is answered 400, and goes nowhere."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.cloud.rest_api import deploy, mock

if TYPE_CHECKING:
    from tests.cloud.conftest import Clouds

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
OTHERS = {
    "Check": {
        "Type": "AWS::ApiGateway::RequestValidator",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "Name": "all",
            "ValidateRequestBody": True,
            "ValidateRequestParameters": True,
        },
    },
    "Model": {
        "Type": "AWS::ApiGateway::Model",
        "Properties": {
            "RestApiId": {"Ref": "Api"},
            "Name": "Thing",
            "ContentType": "application/json",
            "Schema": SCHEMA,
        },
    },
}


def method(content_type: str) -> dict[str, Any]:
    return mock(
        RequestValidatorId={"Ref": "Check"},
        RequestModels={content_type: {"Ref": "Model"}},
        RequestParameters={"method.request.header.X-Tenant": True, "method.request.querystring.page": False},
    )


@pytest.fixture(scope="module")
def url(clouds: "Clouds") -> str:
    return deploy(clouds.strict, {"POST": method("application/json"), "PUT": method("$default")}, others=OTHERS)


def test_a_body_of_the_model_with_the_required_header_passes(url: str) -> None:
    assert httpx.post(url, json={"text": "a"}, headers={"x-tenant": "blue"}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-Tenant": ""}])
def test_a_required_header_that_is_missing_or_blank_is_refused_by_name(url: str, headers: dict[str, str]) -> None:
    answer = httpx.post(url, json={"text": "a"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json() == {"message": "Missing required request parameters: [X-Tenant]"}


@pytest.mark.parametrize("body", [b"{}", b'{"text": ""}', b'{"text": 1}', b"[]", b'{"text": ', b""])
def test_a_body_that_is_not_of_the_model_is_refused(url: str, body: bytes) -> None:
    headers = {"X-Tenant": "blue", "Content-Type": "application/json"}
    answer = httpx.post(url, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid request body"})


def test_a_body_of_a_type_that_has_no_model_is_not_checked(url: str) -> None:
    headers = {"X-Tenant": "blue", "Content-Type": "text/plain"}
    assert httpx.post(url, content=b"hello", headers=headers).status_code == 200


def test_the_default_model_holds_for_every_type(url: str) -> None:
    headers = {"X-Tenant": "blue", "Content-Type": "text/plain"}
    assert httpx.put(url, content=b"hello", headers=headers).status_code == 400
    assert httpx.put(url, content=b'{"text": "a"}', headers=headers).status_code == 200


def test_the_lenient_cloud_takes_everything(clouds: "Clouds") -> None:
    url = deploy(clouds.lenient, {"POST": method("application/json")}, others=OTHERS)
    assert httpx.post(url, content=b"[]").status_code == 200
