"""An HTTP back end that is slower than the integration's timeout is answered for with 504 `Endpoint request timed out`.

`timeoutInMillis` is 50 to 29,000, and 29,000 by default (`PutIntegration` in botocore's model); the gateway response is
INTEGRATION_TIMEOUT, 504 ("Gateway response types", API Gateway developer guide). ministack waits 30 s for each read,
whatever the integration says, and then answers 500, as for a configuration error.
"""

import asyncio
from typing import Any, Final

from ministack.services import apigateway_v1

DEFAULT_MS: Final = 29_000
MESSAGE: Final = "Endpoint request timed out"


def apply() -> None:
    """Bound the whole exchange with the back end."""
    invoke = apigateway_v1._invoke_http_proxy_v1

    async def invoke_in_time(integration: Any, *args: Any, **options: Any) -> Any:
        try:
            async with asyncio.timeout(int(integration.get("timeoutInMillis") or DEFAULT_MS) / 1_000):
                return await invoke(integration, *args, **options)
        except TimeoutError:
            return apigateway_v1._gw_error("INTEGRATION_TIMEOUT", MESSAGE)

    apigateway_v1._invoke_http_proxy_v1 = invoke_in_time
