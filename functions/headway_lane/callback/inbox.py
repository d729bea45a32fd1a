"""The inbox (hop 10): a stored callback is verified, read by the contract, and matched to the waiting calls."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from headway_lane.callback import event
from headway_lane.callback.event import CallbackEvent, EventKind
from headway_lane.contract.exchange import Delivered
from headway_lane.contract.profile import Profiles
from headway_lane.contract.signature_rules import unsigned_decision
from headway_lane.ledger.record import Answer
from headway_lane.ledger.store import Ledger
from headway_lane.messages import json_text
from headway_lane.messages.claim import CARRIED_BYTES, FIELD, Claims, answers_folder, looks_like_pointer
from headway_lane.messages.envelope import Envelope
from headway_lane.resume.settlement import Settlement, Settler
from headway_lane.runtime.errors import Forged, KeysRefused, Malformed
from headway_lane.verification import sns
from headway_lane.verification.schemes import scheme_of


class CallbackOutcome(StrEnum):
    """What became of an event that could be read; forged and malformed callbacks raise."""

    RESUMED = "resumed"
    HEARTBEAT = "heartbeat"
    EARLY = "early"
    DUPLICATE = "duplicate"
    LATE = "late"
    IGNORED = "ignored"
    CONFIRMED = "confirmed"
    """A sender asked whether it may send, and was told so."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the events of one callback; `complaint` is about one among them that could not be read, `job_ids`
    are those that they tell of.
    """

    outcomes: Sequence[CallbackOutcome]
    complaint: Malformed | None
    job_ids: Sequence[str] = field(default=(), compare=False)


class Inbox:
    """Takes the callbacks that come to `url`; `keys` gives the webhook keys, the newest first."""

    def __init__(
        self,
        profiles: Profiles,
        ledger: Ledger,
        settler: Settler,
        claims: Claims,
        keys: Callable[[], Sequence[str]],
        *,
        url: str = "",
        confirm: Callable[[str], None] = sns.confirm,
    ) -> None:
        self._url = url
        self._confirm = confirm
        self._profiles = profiles
        self._ledger = ledger
        self._settler = settler
        self._claims = claims
        self._keys = keys

    def receive(self, envelope: Envelope) -> Receipt:
        """Verify and match one callback. Raises Forged and Malformed; everything else is safe to repeat."""
        vendor = self._profiles.vendor(envelope.vendor)
        callback = vendor.callback
        if callback is None:
            raise Malformed(f"{envelope.vendor} calls nobody back any more: its contract has lost `callback`")
        try:
            keys = self._keys()
        except KeysRefused as refused:  # put aside, to be replayed when the right key is there
            raise Forged(str(refused)) from refused
        if found := unsigned_decision(callback, is_result=isinstance(vendor.result, Delivered)):
            raise Forged(found)
        verify = scheme_of(callback.verification).verify
        verify(envelope.body, envelope.headers, keys, envelope.received_epoch_s, self._url, query=envelope.query)
        reading = event.read(callback, envelope.body)
        outcomes = [self._take(envelope.vendor, one) for one in reading.events]
        return Receipt(outcomes, reading.complaint, [one.job_id for one in reading.events if one.job_id])

    def _take(self, vendor: str, one: CallbackEvent) -> CallbackOutcome:
        if one.kind is EventKind.IGNORED:
            return CallbackOutcome.IGNORED
        if one.kind is EventKind.SUBSCRIPTION:
            self._confirm(one.body)
            return CallbackOutcome.CONFIRMED
        if one.kind is EventKind.PROGRESS:
            return self._beat(vendor, one.job_id)
        answer = Answer(one.job_id, one.kind is EventKind.SUCCESS, one.status, self._kept(vendor, one.body))
        parked = self._ledger.join_answer(vendor, answer)
        if not parked.call_ids:
            return CallbackOutcome.EARLY if parked.first else CallbackOutcome.DUPLICATE
        return _foremost(_OUTCOMES[self._settler.settle(call_id, parked.answer)] for call_id in parked.call_ids)

    def _kept(self, vendor: str, body: str) -> str:
        """Return an event as the ledger keeps it: as it is, or as a claim check where an item has no room for it, or
        where it looks like one: whoever reads the ledger must not take the vendor's word for ours.
        """
        fits = len(json_text.encode(body)) <= CARRIED_BYTES  # which is how the ledger writes it
        if fits and not (FIELD in body and looks_like_pointer(json.loads(body))):
            return body
        return json_text.write(self._claims.keep(body.encode(), answers_folder(vendor)))

    def _beat(self, vendor: str, job_id: str) -> CallbackOutcome:
        """Progress keeps the waiting task alive, unless it waits for another job by now; before the job ID is known
        there is nothing to keep alive yet.
        """
        calls = [self._ledger.find(call_id) for call_id in self._ledger.calls_of_job(vendor, job_id)]
        beaten = [self._settler.beat(call) for call in calls if call and call.job_id == job_id]
        if not beaten:
            return CallbackOutcome.EARLY
        return CallbackOutcome.HEARTBEAT if any(beaten) else CallbackOutcome.LATE


def _foremost(outcomes: Iterable[CallbackOutcome]) -> CallbackOutcome:
    """Return what is said of an answer to several calls: the first of RESUMED, LATE, DUPLICATE that one of them got."""
    return min(outcomes, key=list(_OUTCOMES.values()).index)


_OUTCOMES: Final = {
    Settlement.RESUMED: CallbackOutcome.RESUMED,
    Settlement.LATE: CallbackOutcome.LATE,
    Settlement.DUPLICATE: CallbackOutcome.DUPLICATE,
}
