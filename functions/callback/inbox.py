"""The inbox (hop 10): a stored callback is verified, read by the contract, and matched to the waiting call."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from functions.callback.envelope import Envelope
from functions.callback.verification import scheme_of
from functions.contract import paths
from functions.contract.profile import Profiles
from functions.contract.vendor import Callback
from functions.errors import Malformed
from functions.ledger.record import Answer
from functions.ledger.settlement import Settlement, Settler
from functions.ledger.store import Ledger


class CallbackOutcome(StrEnum):
    """What became of a callback that could be read; forged and malformed ones raise."""

    RESUMED = "resumed"
    HEARTBEAT = "heartbeat"
    EARLY = "early"
    DUPLICATE = "duplicate"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Event:
    """What a callback says: a job and its status in the vendor's words; `succeeded` is None while it is in progress."""

    job_id: str
    status: str
    succeeded: bool | None


def read_event(callback: Callback, body: str) -> Event:
    """Read a callback by its contract; Malformed names what is missing or not in the contract's lists."""
    try:
        document: Any = json.loads(body)
    except ValueError as error:
        raise Malformed("the callback is not JSON") from error
    job_id, status = paths.read(document, callback.job_id), paths.read(document, callback.status)
    if not isinstance(job_id, str | int) or isinstance(job_id, bool) or job_id == "":
        raise Malformed(f"the callback has no job ID at `{callback.job_id}`")
    if not isinstance(status, str):
        raise Malformed(f"the callback has no status at `{callback.status}`")
    if status in callback.progress:
        return Event(str(job_id), status, None)
    if status in callback.success or status in callback.failure:
        return Event(str(job_id), status, status in callback.success)
    raise Malformed(f"the callback's `{callback.status}` is in none of the contract's lists")


class Inbox:
    """Takes callbacks of all vendors; `keys_of` gives a vendor's webhook keys, the newest first."""

    def __init__(
        self, profiles: Profiles, ledger: Ledger, settler: Settler, keys_of: Callable[[str], Sequence[str]]
    ) -> None:
        self._profiles = profiles
        self._ledger = ledger
        self._settler = settler
        self._keys_of = keys_of

    def receive(self, envelope: Envelope) -> CallbackOutcome:
        """Verify and match one callback. Raises Forged and Malformed; everything else is safe to repeat."""
        callback = self._profiles.vendor(envelope.vendor).callback
        scheme_of(callback.verification).verify(
            envelope.body.encode(), envelope.headers, self._keys_of(envelope.vendor), envelope.received_epoch_s
        )
        event = read_event(callback, envelope.body)
        if event.succeeded is None:
            return self._beat(envelope.vendor, event.job_id)
        answer = Answer(event.job_id, event.succeeded, event.status, envelope.body)
        parked = self._ledger.join_answer(envelope.vendor, answer)
        if parked.call_id is None:
            return CallbackOutcome.EARLY if parked.first else CallbackOutcome.DUPLICATE
        return _OUTCOMES[self._settler.settle(parked.call_id, answer)]

    def _beat(self, vendor: str, job_id: str) -> CallbackOutcome:
        """Progress keeps the waiting task alive; before the job ID is known there is nothing to keep alive yet."""
        call_id = self._ledger.call_of_job(vendor, job_id)
        call = self._ledger.find(call_id) if call_id else None
        if call is None:
            return CallbackOutcome.EARLY
        return CallbackOutcome.HEARTBEAT if self._settler.beat(call.task_token) else CallbackOutcome.LATE


_OUTCOMES = {
    Settlement.RESUMED: CallbackOutcome.RESUMED,
    Settlement.DUPLICATE: CallbackOutcome.DUPLICATE,
    Settlement.LATE: CallbackOutcome.LATE,
}
