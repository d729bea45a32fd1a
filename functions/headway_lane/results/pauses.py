"""How long a message of the results queue waits before it is tried again."""

from typing import Final

from headway_lane.messages.request_queue import REQUEUE_S
from headway_lane.runtime.errors import RetryLater

LONGEST_BACKOFF_S: Final = 60
"""Where nobody says how long to wait, the pauses double from REQUEUE_S up to this."""


def pause_s(later: RetryLater, requeued_count: int, drawn: float) -> float:
    """Return the pause behind a try, in seconds: what was asked for, else more with each try. `drawn` is from 0 to 1:
    what failed together comes back apart.
    """
    if later.retry_after_s is not None:
        return max(REQUEUE_S, later.retry_after_s)
    doubled_s = REQUEUE_S << min(requeued_count, LONGEST_BACKOFF_S)
    return max(REQUEUE_S, min(doubled_s, LONGEST_BACKOFF_S) * drawn)
