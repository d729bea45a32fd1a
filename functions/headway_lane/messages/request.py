"""The request message (hop 2): what `CallVendor` in `workflows/` puts into the request queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from headway_lane.messages import json_text
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.errors import Malformed, NewerFormat
from headway_lane.runtime.formats import Format

REQUEST: Final = Format("the request", version=1)
"""Also of what the dispatcher makes of it for `dispatch_call`: the request without its token, with permit and origin.
"""
TASK_TOKEN_FIELD: Final = "task_token"  # noqa: S105 - a name
"""The field in which a workflow puts its task token. From here on the call has a waiter, and nobody asks of which kind.
"""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call that a workflow asks for and waits on.

    `call_id` is ours and known before the vendor is called. `payload` is what the vendor gets, with the contract's
    fields added. `waiter` is told how the call ends. `predecessor` is the call that this one repeats, empty where it is
    the first.
    """

    call_id: str
    vendor: str
    idempotency_key: str
    payload: Mapping[str, Any]
    waiter: Waiter = field(repr=False)
    predecessor: str = ""

    @classmethod
    def from_body(cls, body: str, vendor: str) -> Self:
        """Read a message body of `vendor`'s queue; Malformed names the field that is missing or wrong.

        Raises NewerFormat, too.
        """
        document = _object(body)
        if document.get("vendor") != vendor:
            raise Malformed(f"`vendor` is {document.get('vendor')!r}, but this queue serves {vendor!r}")
        return cls(
            call_id=_text(document, "call_id"),
            vendor=vendor,
            idempotency_key=_text(document, "idempotency_key"),
            payload=_payload(document),
            waiter=Waiter(_text(document, TASK_TOKEN_FIELD)),
            predecessor=str(document.get("predecessor") or ""),
        )

    def to_body(self) -> str:
        """Write the message body that `from_body` reads; no longer than what `call_vendor` wrote: SQS bounds it."""
        fields = {
            **REQUEST.stamp,
            "call_id": self.call_id,
            "vendor": self.vendor,
            "idempotency_key": self.idempotency_key,
            "payload": self.payload,
            TASK_TOKEN_FIELD: self.waiter,
            "predecessor": self.predecessor,
        }
        return json_text.write(fields)


def call_id_of(body: str) -> str | None:
    """Return the call ID of a message; None where it has none, or will not be dispatched by this code."""
    try:
        call_id = _object(body).get("call_id")
    except (Malformed, NewerFormat):
        return None
    return call_id if isinstance(call_id, str) and call_id else None


def waiter_of(body: str) -> Waiter | None:
    """Return the waiter of a message that may be malformed otherwise, so that it can be told at once."""
    try:
        token = _json_object(body).get(TASK_TOKEN_FIELD)
    except Malformed:
        return None
    return Waiter(token) if isinstance(token, str) and token else None


def _object(body: str) -> Mapping[str, Any]:
    document = _json_object(body)
    REQUEST.check(document)
    return document


def _json_object(body: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Malformed(f"the request is not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise Malformed("the request is not a JSON object")
    return document


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value:
        raise Malformed(f"`{field}` must be a non-empty string")
    return value


def _payload(document: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = document.get("payload")
    if not isinstance(payload, Mapping):
        raise Malformed("`payload` must be an object")
    return payload
