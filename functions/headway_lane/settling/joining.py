"""Joining a call and an answer that was there before its job ID was known (hop 7), for `dispatch_call_direct`.

Only that rare order needs code; the direct way has none otherwise.
"""

from headway_lane.ledger.store import Ledger
from headway_lane.resume.settlement import Settlement, Settler


def joined(ledger: Ledger, settler: Settler, vendor_name: str, job_id: str, call_id: str) -> Settlement | None:
    """Map a job ID to its call, and settle the call with the answer that is parked there; None where there is none."""
    answer = ledger.join_call(vendor_name, job_id, call_id)
    return None if answer is None else settler.settle(call_id, answer)
