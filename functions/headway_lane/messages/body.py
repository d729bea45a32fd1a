"""The body of a message that a workflow puts into a queue of its lane: a JSON object, with the token of the task that
waits for it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import Malformed

TASK_TOKEN_FIELD: Final = "task_token"  # noqa: S105 - a name
"""The field in which a workflow puts its task token. From here on the call has a waiter, and nobody asks of which kind.
"""


def json_object(body: str, what: str) -> Mapping[str, Any]:
    """Read a body; Malformed says of `what`, the name of the message, that it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{what} is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise Malformed(f"{what} is not a JSON object")
    return document


def waiter_of(body: str) -> Waiter | None:
    """Return the waiter of a message that may be malformed otherwise, so that it can be told at once."""
    try:
        token = json_object(body, "the message").get(TASK_TOKEN_FIELD)
    except Malformed:
        return None
    return Waiter(token) if isinstance(token, str) and token else None
