"""What Headway would say to a callback: the inbox's own verification and reading, with the reason of a refusal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headway_lane.callback import event
from headway_lane.contract.exchange import Callback
from headway_lane.runtime.errors import Forged, Malformed
from headway_lane.verification.schemes import scheme_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a callback is taken, why not, and what its events say."""

    reason: str | None
    events: Sequence[event.CallbackEvent] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.reason is None

    def as_json(self) -> dict[str, Any]:
        """Return it without the bodies of the events."""
        events = [{"job_id": one.job_id, "status": one.status, "means": one.kind} for one in self.events]
        return {"accepted": self.accepted, "reason": self.reason, "events": events}


def judge(
    callback: Callback, body: bytes, headers: Mapping[str, str], keys: Sequence[str], received_epoch_s: float, url: str
) -> Judgement:
    """Verify and read a callback as the inbox does; header names may be in any case."""
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        scheme_of(callback.verification).verify(body, lowered, keys, received_epoch_s, url)
    except Forged as refusal:
        return Judgement(f"forged: {refusal}")
    try:
        reading = event.read(callback, body)
    except Malformed as refusal:
        return Judgement(f"malformed: {refusal}")
    return Judgement(f"malformed: {reading.complaint}" if reading.complaint else None, reading.events)
