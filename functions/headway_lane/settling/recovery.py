"""A call whose caller could not be run (hop 6): it goes back to its request queue, under every policy.

A throttled or broken caller has sent nothing as long as the ledger does not say `sending`. Where it does, the request
waits until the lease of who was sending is over, and the next caller begins in doubt. Nothing is failed here: a request
whose task has ended is dropped by its dispatcher.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from headway_lane.ledger.record import UNACCEPTED, Call, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.messages.identity import CallSite
from headway_lane.messages.origin import Origin
from headway_lane.messages.request import CallRequest
from headway_lane.messages.request_queue import RequestQueues
from headway_lane.runtime.errors import RetryLater

CALLER_REQUEUE_S: Final = 30
"""When a call comes again whose caller cannot be run: Step Functions has tried for longer than what passes takes."""
Release = Callable[[Call], None]
"""Gives back the in-flight permit of a call."""


class Recovery:
    """Requeues calls; `epoch_s` is the clock."""

    def __init__(self, ledger: Ledger, release: Release, requests: RequestQueues, epoch_s: Callable[[], float]) -> None:
        self._ledger = ledger
        self._release = release
        self._requests = requests
        self._epoch_s = epoch_s

    def requeue(self, event: Mapping[str, Any]) -> bool:
        """Requeue the call that `dispatch_call` was started for: ledger, in-flight permit, queue; repeatable. False
        where nothing is left to do.
        """
        call = self._ledger.find(event["call_id"])
        if call is None or call.attempt != event["attempt"] or call.state not in UNACCEPTED:
            return False
        later = self.released(call)
        request = CallRequest(
            call.call_id,
            call.attempt,
            CallSite.of_document(event["call"]),
            call.vendor,
            event["payload"],
            call.waiter,
            event.get("ends_epoch_s"),
        )
        self._requests.requeue(request.to_body(), Origin(**event["origin"]), later.retry_after_s)
        return True

    def released(self, call: Call) -> RetryLater:
        """Let go of a call that nobody makes any more, and return when it may be tried again."""
        if call.state is CallState.SENDING:
            left_s = call.lease_until_epoch_s - self._epoch_s()
            return RetryLater("somebody may still be sending it", max(left_s, 0))
        if self._ledger.requeue(call) and not call.doubtful:
            self._release(call)
        return RetryLater("its caller cannot be run", CALLER_REQUEUE_S)
