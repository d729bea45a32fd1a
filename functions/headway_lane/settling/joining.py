"""Joining a call and an answer that was there before its job ID was known (hop 7), for `dispatch_call_direct`.

Only that rare order needs code; the direct way has none otherwise.
"""

from headway_lane.ledger.record import Call
from headway_lane.ledger.store import Ledger
from headway_lane.resume.settlement import Settlement, Settler


def joined(ledger: Ledger, settler: Settler, call: Call, job_id: str) -> Settlement | None:
    """Map a job ID to its call, and settle the call with the answer that is parked there; None where there is none.
    FailTask where the job is another tenant's.
    """
    answer = ledger.join_call(call, job_id)
    return None if answer is None else settler.settle(call.call_id, answer)
