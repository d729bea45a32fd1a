"""A call in a format that is newer than the caller (hop 6): it goes back to its request queue, for newer code.

The ledger is left as it is: a call that was begun waits until its lease is over. It keeps its in-flight permit, as
nobody here can tell whether an earlier attempt has left a job at the vendor.
"""

from collections.abc import Mapping
from typing import Any, Final

from headway_lane.caller.invocation import CallOutcome, CallReport
from headway_lane.ledger.store import Ledger
from headway_lane.messages import json_text
from headway_lane.messages.origin import Origin
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.messages.waiter import field_of
from headway_lane.runtime.errors import NewerFormat

_ADDED: Final = frozenset({"permit", "origin", "attempt", "call_id"})
"""What the dispatcher has added to the request."""


def requeued(
    event: Mapping[str, Any], vendor_name: str, ledger: Ledger, requests: RequestQueues, newer: NewerFormat
) -> CallReport:
    """Send the request that an event was made of to its queue, with all of its fields, those unknown here too."""
    waiter = ledger.waiter_of(event["call_id"])
    if waiter is None:
        return CallReport(CallOutcome.DUPLICATE)  # long over: its record has outlived its time to live
    request = {"vendor": vendor_name} | {name: value for name, value in event.items() if name not in _ADDED}
    origin = Origin(event["origin"]["queue_url"], event["origin"].get("group"))
    requests.requeue(json_text.write({**request, **field_of(waiter)}), origin, newer.retry_after_s)
    return CallReport(CallOutcome.NEWER, cause=str(newer), retry_after_s=newer.retry_after_s)
