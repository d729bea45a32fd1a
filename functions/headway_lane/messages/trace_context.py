"""The trace of a call as W3C Trace Context writes it, for the submit to the vendor (hop 6).

It follows from the call alone, so a repeat of a submit says the same, and what a vendor's log quotes is found:
`headway calls trace` takes a trace ID, which is the call ID.
"""

from typing import Final

from headway_lane.messages.identity import DIGITS

TRACE_HEADER: Final = "traceparent"
OWN_DIGITS: Final = 14
"""Of a parent ID's 16 (W3C Trace Context, "traceparent Header Field Values") those that are the call's; the last two
are the round's.
"""
TRACE_EXPRESSION: Final = f"{{% '00-' & $call.call_id & '-' & $substring($call.call_id, -{OWN_DIGITS}) & '00-01' %}}"
"""What `traceparent_of` writes for round 0, in JSONata, in the machine of the direct way."""


def traceparent_of(call_id: str, round_number: int = 0) -> str:
    """Return version 00, the call ID as trace ID, as parent ID the end of it with the round, and the flag `sampled`."""
    return f"00-{call_id}-{call_id[-OWN_DIGITS:]}{round_number % 256:02x}-01"


def call_id_in(traceparent: str) -> str | None:
    """Return the call ID in a `traceparent` that we have written; None where it is something else."""
    match traceparent.split("-"):
        case [_, trace_id, _, _] if len(trace_id) == DIGITS:
            return trace_id
    return None
