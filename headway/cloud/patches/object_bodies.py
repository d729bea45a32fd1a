"""A machine reads an object of S3: `aws-sdk:s3:getObject` gives its text as `Body`.

AWS: Developer Guide, "Learning to use AWS service SDK integrations" (every API action of S3 is one); botocore's model,
GetObject. ministack has other actions of S3, and not this one.
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.services import stepfunctions as sfn

GET_OBJECT: Final = ":aws-sdk:s3:getObject"
_OK: Final = 200


def get_object(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what GetObject answers; raises S3.NoSuchKeyException."""
    from ministack.services import s3  # the kit of tests need not wait for it

    status, headers, body = s3._get_object(given["Bucket"], given["Key"], {}, {})
    if status != _OK:
        raise sfn._ExecutionError("S3.NoSuchKeyException", "The specified key does not exist.")
    text = body.decode() if isinstance(body, bytes | bytearray) else str(body)
    named = {name.lower(): value for name, value in headers.items()}
    return {"Body": text, "ContentLength": len(text.encode()), "ContentType": named.get("content-type", "")}


def apply() -> None:
    """Add the action."""
    invoke = sfn._invoke_aws_sdk_integration

    def invoke_get_too(resource: str, given: Mapping[str, Any]) -> Any:
        return get_object(given) if resource.endswith(GET_OBJECT) else invoke(resource, given)

    sfn._invoke_aws_sdk_integration = invoke_get_too
