"""Conditional changes of an item (hop 7), as DynamoDB takes them."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError


def changed(
    changes: Mapping[str, Any],
    places: Mapping[str, Any] | None = None,
    condition: str = "",
    removed: tuple[str, ...] = (),
    named: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Build an update; names are aliased because `state` and `error` are reserved words of DynamoDB."""
    clauses = ["SET " + ", ".join(f"#{name} = :{name}" for name in changes)]
    clauses += ["REMOVE " + ", ".join(f"#{name}" for name in removed)] * bool(removed)
    expression: dict[str, Any] = {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*changes, *removed, *named)},
        "ExpressionAttributeValues": {f":{name}": value for name, value in changes.items()} | dict(places or {}),
    }
    return expression | ({"ConditionExpression": condition} if condition else {})


def unless_condition_failed(error: ClientError) -> None:
    """Raise every error but that of a condition that does not hold."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
