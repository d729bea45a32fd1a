"""Calling off what nobody waits for any more: an execution was stopped (beside hop 10), and a job of it is to end."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Stop:
    """An execution was stopped; EventBridge writes the first of these. `search` counts from 0 how often its calls were
    searched before, `after` is the call ID behind which the search goes on.
    """

    execution: str
    search: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Call off the job of a call, where it is of this attempt still and nobody waits for it, and by `until_epoch_s`:
    then it is over anyway.
    """

    call_id: str
    attempt: str
    until_epoch_s: int
    requeued_count: int = 0

    def again(self) -> Self:
        """Return the next attempt."""
        return replace(self, requeued_count=self.requeued_count + 1)
