"""A message that a workflow sends is as long as its UTF-8, as on AWS.

Step Functions writes a MessageBody that is an object as compact JSON. The emulator writes it as Python does unless told
otherwise: six bytes for a Chinese character that has three, and a space behind each comma. What SQS counts would be
another number than on AWS, up to twice as high.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import stepfunctions

INTEGRATION: Final = "arn:aws:states:::sqs:sendMessage"


def written(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of SendMessage with a body that is an object or a list as the text that is sent.

    Half of a surrogate pair has no UTF-8 and keeps its escape, which `backslashreplace` writes as JSON does.
    """
    body = arguments.get("MessageBody")
    if not isinstance(body, dict | list):
        return dict(arguments)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {**arguments, "MessageBody": text.encode(errors="backslashreplace").decode()}


def apply() -> None:
    """Write the body before the emulator does."""
    send = stepfunctions._SERVICE_DISPATCH[INTEGRATION]
    stepfunctions._SERVICE_DISPATCH[INTEGRATION] = lambda resource, arguments: send(resource, written(arguments))
