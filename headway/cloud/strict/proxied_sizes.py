"""A payload above 10 MB goes through a REST API neither way: 413 for a request, 500 for an HTTP back end's answer.

"Payload size: 10 MB", not to be raised ("Quotas for configuring and running a REST API", API Gateway developer guide);
the gateway response is REQUEST_TOO_LARGE, 413, which cannot be customized ("important notes"). ministack takes every
size.
"""

import json
from typing import Any, Final

from ministack.services import apigateway_v1

PAYLOAD_BYTES: Final = 10 * 1024 * 1024
BODY: Final = 5
"""Where the body is among what ministack's `_execute_in_scope` takes behind the request."""
TOO_LARGE: Final = f"HTTP content length exceeded {PAYLOAD_BYTES} bytes."


def apply() -> None:
    """Measure requests before they are routed, and answers of HTTP back ends."""
    execute = apigateway_v1._execute_in_scope
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def execute_what_fits(request: Any, *args: Any) -> Any:
        body = args[BODY]
        if not body or len(body) <= PAYLOAD_BYTES:
            return await execute(request, *args)
        return 413, {"Content-Type": "application/json"}, json.dumps({"message": TOO_LARGE}).encode()

    async def invoke_what_fits(*args: Any, **options: Any) -> Any:
        answer = await invoke(*args, **options)
        if isinstance(answer, tuple) and len(answer[2]) > PAYLOAD_BYTES:
            return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", "Internal server error")
        return answer

    apigateway_v1._execute_in_scope = execute_what_fits
    apigateway_v1._invoke_http_proxy_v1 = invoke_what_fits
