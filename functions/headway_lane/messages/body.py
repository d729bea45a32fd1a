"""The body of a message that a workflow puts into a queue of its lane: a JSON object, which names who waits for it."""

import json
from collections.abc import Mapping
from typing import Any

from headway_lane.messages.waiter import Waiter, waiter_in
from headway_lane.runtime.errors import Malformed


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
        return waiter_in(json_object(body, "the message"))
    except Malformed:
        return None
