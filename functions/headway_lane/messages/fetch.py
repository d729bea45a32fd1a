"""A fetch (hop 11): a workflow waits for the result of a job that has ended."""

from dataclasses import dataclass, field, replace
from typing import Self

from headway_lane.messages.waiter import Waiter


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get the result of a job, and hand it to `waiter`. `status` is the vendor's last word on the job;
    `requeued_count` says how often it could not be had.
    """

    call_id: str
    job_id: str
    status: str
    waiter: Waiter = field(repr=False)
    requeued_count: int = 0

    def again(self) -> Self:
        """Return the next attempt."""
        return replace(self, requeued_count=self.requeued_count + 1)
