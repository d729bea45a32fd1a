"""A body of a binary media type reaches a mapping template as base64; ministack takes it for UTF-8.

As AWS does it for an integration with `contentHandling: CONVERT_TO_TEXT`, which the emulator's CloudFormation drops: no
other handling of a binary body can have a template.
"""

import base64
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1


def apply() -> None:
    """Let integrations with SQS see such bodies as AWS shows them."""
    invoke = apigateway_v1._invoke_sqs_v1

    async def invoke_with_base64(*args: Any, binary_media_types: Any = None, **options: Any) -> Any:
        integration, api_id, stage_name, stage, resource, path, method, headers, body, *others = args
        if body and apigateway_v1._media_type_matches(_content_type(headers), binary_media_types):
            body = base64.b64encode(body)
        return await invoke(
            integration,
            api_id,
            stage_name,
            stage,
            resource,
            path,
            method,
            headers,
            body,
            *others,
            binary_media_types=binary_media_types,
            **options,
        )

    apigateway_v1._invoke_sqs_v1 = invoke_with_base64


def _content_type(headers: Mapping[str, str]) -> str:
    """Return the media type of a request; what says none is JSON to API Gateway."""
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
