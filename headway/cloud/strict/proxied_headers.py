"""What belongs to the way to the gateway does not go on to an HTTP back end: its `Authorization`, `Host` and the like.

"The `Authorization` header is dropped if it contains a Signature Version 4 signature or if `AWS_IAM` authorization is
used"; the others are in the table beside it ("Amazon API Gateway important notes", developer guide; LocalStack's
`header_utils` has the same ones). `Connection` and `Content-Length` are written anew by our client. ministack passes on
all but `Host` and `Content-Length`. What a method maps is sent all the same (`patches.header_mapping`). Nothing says
that the signature's `X-Amz-*` are dropped: they go on here, so that a proxy has to overwrite those that a back end must
not see.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import apigateway_v1

DROPPED: Final = frozenset(
    {"connection", "content-encoding", "content-length", "content-md5", "expect", "host", "max-forwards"}
    | {"proxy-authenticate", "server", "te", "trailer", "transfer-encoding", "upgrade", "via", "www-authenticate"}
)
SIGNATURE: Final = "AWS4-HMAC-SHA256"
IAM: Final = "AWS_IAM"

_authorization: ContextVar[str] = ContextVar("gateway_authorization", default="NONE")


def passed(headers: Mapping[str, str], authorization: str) -> dict[str, str]:
    """Return what goes on to the back end from a method with this type of authorization."""
    return {
        name: value
        for name, value in headers.items()
        if (lower := name.lower()) not in DROPPED
        and not (lower == "authorization" and (authorization == IAM or value.startswith(SIGNATURE)))
    }


def apply() -> None:
    """Let the HTTP integration see only what is passed on."""
    authorize = apigateway_v1._authorize_request_v1
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def authorize_and_note(api_id: str, stage_name: str, method: Mapping[str, Any], *args: Any) -> Any:
        _authorization.set(str(method.get("authorizationType") or "NONE").upper())
        return await authorize(api_id, stage_name, method, *args)

    async def invoke_with_passed(
        integration: Any, path: str, method: str, headers: Mapping[str, str], *args: Any, **options: Any
    ) -> Any:
        return await invoke(integration, path, method, passed(headers, _authorization.get()), *args, **options)

    apigateway_v1._authorize_request_v1 = authorize_and_note
    apigateway_v1._invoke_http_proxy_v1 = invoke_with_passed
