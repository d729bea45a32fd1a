"""What DynamoDB says of the item that stood in a conditional write's way.

With `ReturnValuesOnConditionCheckFailure` the error carries the item. The resource layer of boto3 converts results
only, so it comes in DynamoDB's own types.
"""

from collections.abc import Mapping
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

_DESERIALIZER: Final = TypeDeserializer()


def item_of(error: ClientError) -> Mapping[str, Any]:
    """Return the item that was found; empty where there was none, or the write did not ask for it."""
    item: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # the error's own member
    return {name: _DESERIALIZER.deserialize(value) for name, value in item.items()}
