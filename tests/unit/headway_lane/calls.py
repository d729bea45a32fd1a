"""The call of the functions' tests, brought to where a test needs it, by legal moves only."""

from headway_lane.ledger.record import Call
from headway_lane.ledger.store import Ledger
from headway_lane.messages.request import CallRequest

from tests.unit.headway_lane.fakes import TENANT, request_of

HOLDER = "invocation-1"
LEASE_S = 40
TTL_S = 3_600


def queued(ledger: Ledger, request: CallRequest | None = None) -> Call:
    return ledger.enqueue(request or request_of(), TENANT, TTL_S)


def dispatching(ledger: Ledger, request: CallRequest | None = None) -> Call:
    call = queued(ledger, request)
    return _moved(ledger.begin(call.call_id, call.attempt, HOLDER, LEASE_S))


def sending(ledger: Ledger, request: CallRequest | None = None) -> Call:
    call = dispatching(ledger, request)
    return _moved(ledger.send(call.call_id, call.attempt, HOLDER))


def accepted(ledger: Ledger, request: CallRequest | None = None, job_id: str = "job-1") -> Call:
    call = sending(ledger, request)
    return _moved(ledger.accept(call.call_id, call.attempt, job_id))


def joined(ledger: Ledger, request: CallRequest | None = None, job_id: str = "job-1") -> Call:
    """Return an accepted call that its job ID leads to."""
    call = accepted(ledger, request, job_id)
    assert ledger.join_call(call, job_id) is None
    return call


def _moved(call: Call | None) -> Call:
    assert call is not None
    return call
