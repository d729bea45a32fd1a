"""A method with a request validator refuses what lacks a required parameter, or a body that is not of its model: 400.

A method names its validator with `RequestValidatorId`; a body is held against the model of its content type, else the
one of `$default`, and no model means no check ("Request validation for REST APIs", API Gateway developer guide;
`PutMethod` in botocore's model). ministack does so for APIs made by calls, but takes the model of `application/json`
for every content type, and its CloudFormation makes no validator and binds none.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

ANY_CONTENT_TYPE: Final = "$default"
JSON: Final = "application/json"
"""What says no content type is JSON to API Gateway."""


def models_for(models: Mapping[str, str], content_type: str) -> dict[str, str]:
    """Return the one model that a body of this content type is held against, by that type; empty where none is."""
    media_type = content_type.partition(";")[0].strip() or JSON
    model = models.get(media_type) or models.get(ANY_CONTENT_TYPE)
    return {media_type: model} if model else {}


def apply() -> None:
    """Let templates have validators, and choose models as API Gateway does."""
    check = apigateway_v1._check_request_validation
    put_method = provisioners._apigw_method_create
    handlers = provisioners._RESOURCE_HANDLERS

    def check_model(method: Mapping[str, Any], api_id: str, request: Any, headers: Any, *args: Any) -> Any:
        models = method.get("requestModels")
        if method.get("requestValidatorId") and models:
            content_type = apigateway_v1._header_ci(headers, "content-type")
            method = {**method, "requestModels": models_for(models, content_type)}
        return check(method, api_id, request, headers, *args)

    def method_with_validator(logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
        answer = put_method(logical_id, props, stack_name)
        resource = apigateway_v1._resources[props["RestApiId"]][props["ResourceId"]]
        resource["resourceMethods"][props.get("HttpMethod", "ANY")]["requestValidatorId"] = props.get(
            "RequestValidatorId"
        )
        return answer

    provisioners._apigw_method_create = method_with_validator
    handlers["AWS::ApiGateway::Method"]["create"] = method_with_validator
    handlers["AWS::ApiGateway::RequestValidator"] = {"create": _create, "update": _update, "delete": _delete}
    apigateway_v1._check_request_validation = check_model


def _create(logical_id: str, props: Mapping[str, Any], _stack_name: str) -> tuple[str, dict[str, str]]:
    status, _, body = apigateway_v1._create_request_validator(
        props.get("RestApiId", ""),
        {
            "name": props.get("Name", logical_id),
            "validateRequestBody": _flag(props, "ValidateRequestBody"),
            "validateRequestParameters": _flag(props, "ValidateRequestParameters"),
        },
    )
    if status >= 400:
        raise ValueError(f"AWS::ApiGateway::RequestValidator create failed: {body!r}")
    validator_id = json.loads(body)["id"]
    return validator_id, {"RequestValidatorId": validator_id}


def _update(physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str) -> Any:
    if any(new.get(key) != old.get(key) for key in ("RestApiId", "Name")):
        return _create(physical_id, new, stack_name)
    validator = apigateway_v1._request_validators[new["RestApiId"]][physical_id]
    validator["validateRequestBody"] = _flag(new, "ValidateRequestBody")
    validator["validateRequestParameters"] = _flag(new, "ValidateRequestParameters")
    return physical_id, {"RequestValidatorId": physical_id}


def _delete(physical_id: str, props: Mapping[str, Any]) -> None:
    apigateway_v1._request_validators.get(props.get("RestApiId", ""), {}).pop(physical_id, None)


def _flag(props: Mapping[str, Any], name: str) -> bool:
    return str(props.get(name, False)).lower() == "true"
