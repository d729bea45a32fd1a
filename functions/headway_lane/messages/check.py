"""A check (beside hop 10): to be made of a job that the vendor has, in case its callback never comes."""

from dataclasses import dataclass, replace
from typing import Self

from headway_lane.contract.exchange import Poll
from headway_lane.contract.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Check:
    """Ask about a job at `due_epoch_s`, and give it up at `until_epoch_s`."""

    call_id: str
    job_id: str
    due_epoch_s: int
    until_epoch_s: int

    @classmethod
    def first(cls, vendor: Vendor, poll: Poll, call_id: str, job_id: str, accepted_epoch_s: int) -> Self:
        """Make the first check of a job that has just been accepted."""
        until_epoch_s = accepted_epoch_s + vendor.waits.answer_s
        return cls(call_id, job_id, min(accepted_epoch_s + poll.after_s, until_epoch_s), until_epoch_s)

    def again(self, at_epoch_s: int) -> Self:
        """Return the next check, not after the last."""
        return replace(self, due_epoch_s=min(at_epoch_s, self.until_epoch_s))
