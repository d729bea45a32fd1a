"""An HTTP integration's headers are mapped as API Gateway maps them; ministack maps the path only.

`integration.request.header.X` takes `'static'`, `method.request.{header,querystring,path}.Y`, `context.requestId` or a
stage variable ("Set up request and response data mappings", API Gateway developer guide; `PutIntegration` in botocore's
model). A mapped header replaces the sender's own; what is absent is left out. API Gateway processes header names "in a
case-sensitive way" ("important notes"); the emulator's server has them in lower case only, so that any spelling maps.

So a vendor's credential travels as on AWS: the function gives it in a header of ours, the proxy in the vendor's.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import apigateway_v1

TARGET: Final = "integration.request.header."

_request: ContextVar[Mapping[str, Any] | None] = ContextVar("gateway_request", default=None)


def mapped(parameters: Mapping[str, str], request: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that an integration's request parameters say, of what the request has."""
    headers = {
        target.removeprefix(TARGET): apigateway_v1._gateway_request_value(source, request)
        for target, source in parameters.items()
        if target.startswith(TARGET)
    }
    return {name: value for name, value in headers.items() if value is not None}


def apply() -> None:
    """Let the HTTP integration send what is mapped, over what was sent."""
    execute = apigateway_v1._execute_in_scope
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def execute_and_note(request: Mapping[str, Any], *args: Any) -> Any:
        _request.set(request)
        return await execute(request, *args)

    async def invoke_with_mapping(
        integration: Any, path: str, method: str, headers: Mapping[str, str], *args: Any, **options: Any
    ) -> Any:
        request = _request.get()
        parameters = integration.get("requestParameters")
        if request is None or not parameters:
            return await invoke(integration, path, method, headers, *args, **options)
        said = mapped(parameters, request)
        taken = {name.lower() for name in said}
        passed = {name: value for name, value in headers.items() if name.lower() not in taken}
        return await invoke(integration, path, method, {**passed, **said}, *args, **options)

    apigateway_v1._execute_in_scope = execute_and_note
    apigateway_v1._invoke_http_proxy_v1 = invoke_with_mapping
