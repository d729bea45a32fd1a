"""Calling off what nobody waits for any more: an execution was stopped (beside hop 10), and a job of it is to end."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Stop:
    """An execution was stopped; EventBridge writes the first of these. `look` counts from 0 how often its calls were
    looked up before, `after` is the call ID behind which the lookup goes on.
    """

    execution: str
    look: int = 0
    after: str = ""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Call off the job of a call, where nobody waits for it, and by `until_epoch_s`: then it is over anyway."""

    call_id: str
    until_epoch_s: int
    requeued_count: int = 0

    def again(self) -> Self:
        """Return the next attempt."""
        return replace(self, requeued_count=self.requeued_count + 1)
