"""Uses what the vendor made; `UseResult` of `workflows/order.asl.json` says with what it is called."""

from typing import Any


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Return what the order is to end with: the vendor's output, or where it lies if it was too large to travel."""
    result = event["result"]
    if "headway_claim" in result:
        return {"order": event["call_id"], "stored": result["headway_claim"]}
    return {"order": event["call_id"], "output": result["output"]}
