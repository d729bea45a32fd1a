"""HTTP_PROXY maps request headers as the integration says; ministack maps path parameters only.

AWS: API Gateway developer guide, "Request parameter mapping": `integration.request.header.X` may be a header of the
request or a text in quotes. The signature that an IAM method asked for is the gateway's and goes no further.
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.services import apigateway_v1

TO: Final = "integration.request.header."
FROM: Final = "method.request.header."
SIGNED: Final = "AWS4-HMAC-SHA256 "


def mapped(parameters: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of the call to the backend, from those of the request; names in lower case."""
    given = {name.lower(): value for name, value in headers.items()}
    sent = {name: value for name, value in given.items() if name != "authorization" or not value.startswith(SIGNED)}
    for to, source in parameters.items():
        if not to.startswith(TO) or not isinstance(source, str):
            continue
        name = to.removeprefix(TO).lower()
        if source.startswith("'") and source.endswith("'"):
            sent[name] = source[1:-1]
        elif (value := given.get(source.removeprefix(FROM).lower())) is not None and source.startswith(FROM):
            sent[name] = value
    return sent


def apply() -> None:
    """Map before the backend is called."""
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def invoke_mapped(
        integration: Mapping[str, Any], path: str, method: str, headers: Mapping[str, str], *rest: Any, **options: Any
    ) -> Any:
        sent = mapped(integration.get("requestParameters") or {}, headers)
        return await invoke(integration, path, method, sent, *rest, **options)

    apigateway_v1._invoke_http_proxy_v1 = invoke_mapped
