"""The request message (hop 2): what `CallVendor` in `workflows/` puts into the request queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from headway_lane.messages import json_text
from headway_lane.messages.body import json_object
from headway_lane.messages.identity import CallSite, attempt_of, call_id_of
from headway_lane.messages.waiter import Waiter, field_of, waiter_in
from headway_lane.runtime.errors import Malformed
from headway_lane.runtime.formats import Format

REQUEST: Final = Format("the request", version=2, oldest=2)
"""Also of what the dispatcher makes of it for `dispatch_call`: the request without its waiter, with permit and origin.

Version 1 named its call by the execution's name, which two machines may share.
"""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One call that a workflow asks for and waits on.

    `payload` is what the vendor gets, with the contract's fields added. `waiter` is told how the call ends.
    `ends_epoch_s` is when its task ends unless it hears from us; None where that follows from when it was sent.
    """

    call_id: str
    attempt: str
    place: CallSite
    vendor: str
    payload: Mapping[str, Any]
    waiter: Waiter = field(repr=False)
    ends_epoch_s: int | None = None

    @classmethod
    def from_body(cls, body: str, vendor: str, tenant: str) -> Self:
        """Read a message body of `vendor`'s queue, from the message group `tenant`; Malformed names the field that is
        missing or wrong.

        Raises NewerFormat, too.
        """
        document = _object(body)
        if document.get("vendor") != vendor:
            raise Malformed(f"`vendor` is {document.get('vendor')!r}, but this queue serves {vendor!r}")
        place, payload = CallSite.of_document(document.get("call")), _payload(document)
        waiter = waiter_in(document)
        ends = document.get("ends_epoch_s")
        return cls(
            call_id=call_id_of(place, tenant, payload),
            attempt=attempt_of(waiter),
            place=place,
            vendor=vendor,
            payload=payload,
            waiter=waiter,
            ends_epoch_s=ends if isinstance(ends, int) else None,
        )

    def to_body(self) -> str:
        """Write the message body that `from_body` reads; not much longer than what `call_vendor` wrote, whose data are
        a quarter of what SQS takes.
        """
        fields = {
            **REQUEST.stamp,
            "vendor": self.vendor,
            "call": self.place.as_document(),
            "payload": self.payload,
            **field_of(self.waiter),
            "ends_epoch_s": self.ends_epoch_s,
        }
        return json_text.write(fields)


def _object(body: str) -> Mapping[str, Any]:
    document = json_object(body, "the request")
    REQUEST.check(document)
    return document


def _payload(document: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = document.get("payload")
    if not isinstance(payload, Mapping):
        raise Malformed("`payload` must be an object")
    return payload
