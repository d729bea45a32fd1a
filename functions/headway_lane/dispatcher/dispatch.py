"""Dispatching a batch of requests (hop 3): record each, wait for its in-flight permit and turn, start its Express
workflow.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from headway_lane.contract.profile import Profiles, TuningUnknown
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.admission import UNLIMITED, Admission, admit_all
from headway_lane.ledger.record import OVER, CallState
from headway_lane.ledger.store import Ledger
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.pace import Pace, Starts, no_starts
from headway_lane.messages import json_text
from headway_lane.messages.origin import Origin
from headway_lane.messages.request import REQUEST, CallRequest, waiter_of
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import ErrorCode, Malformed, RetryLater

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


class Dispatcher:
    """Dispatches the requests of one vendor; clients and pace are arguments."""

    def __init__(
        self,
        vendor_name: str,
        profiles: Profiles,
        ledger: Ledger,
        waiters: Waiters,
        pace: Pace,
        *,
        step_functions: "SFNClient",
        machine_arn: str,
        admission_of: Callable[[Vendor, Sequence[str]], Admission] = admit_all,
    ) -> None:
        self._vendor_name = vendor_name
        self._profiles = profiles
        self._ledger = ledger
        self._waiters = waiters
        self._pace = pace
        self._step_functions = step_functions
        self._machine_arn = machine_arn
        self._admission_of = admission_of
        self._later: RetryLater | None = None

    def turns(self, count: int, urgent: bool | None = None) -> Starts:
        """Return the turns of a batch from the urgent queue or not; nothing is reserved before the first is taken.

        Where no tuning is known there are none: the batch waits in its queue.
        """
        self._later = None
        vendor = self._profiles.vendor(self._vendor_name)
        try:
            tuning = self._profiles.tuning(vendor)
        except TuningUnknown as unknown:
            self._later = unknown
            return no_starts()
        return self._pace.turns(vendor, tuning, count, urgent)

    def admission(self, bodies: Sequence[str]) -> Admission:
        """Return what admits the calls of a batch; no in-flight permit is taken before the first call asks."""
        return self._admission_of(self._profiles.vendor(self._vendor_name), bodies)

    def dispatch(self, body: str, origin: Origin, turns: Starts, admission: Admission = UNLIMITED) -> bool:
        """Start the Express workflow of one request message from `origin`. False for a duplicate delivery.

        Malformed requests fail their waiting task at once and raise, so that the queue moves them to its DLQ.
        """
        request = self._read(body)
        vendor = self._profiles.vendor(self._vendor_name)
        if not self._ledger.enqueue(request, vendor.record_ttl_s):
            known = self._ledger.find(request.call_id)
            if known is None or known.state is not CallState.QUEUED:
                over = known is None or known.state in OVER
                (admission.release if over else admission.keep)(request.call_id)  # which was taken ahead
                return False
        admission.admit(request.call_id)
        try:
            permit = self._turn(turns)
        except RetryLater:
            admission.release(request.call_id)
            raise
        self._step_functions.start_execution(
            stateMachineArn=self._machine_arn,
            input=json_text.write(
                {
                    **REQUEST.stamp,
                    "call_id": request.call_id,
                    "vendor": request.vendor,
                    "idempotency_key": request.idempotency_key,
                    "payload": request.payload,
                    "predecessor": request.predecessor,
                    "permit": asdict(permit) if permit else {},
                    "origin": asdict(origin),
                }
            ),
        )
        return True

    def _turn(self, turns: Starts) -> Permit | None:
        """Take the next turn. Once a batch has none left, all that is left of it waits as long as the first: RetryLater
        of its own for each.
        """
        if self._later:
            raise RetryLater(str(self._later), self._later.retry_after_s)
        try:
            return next(turns)
        except RetryLater as later:
            self._later = later
            raise
        except StopIteration:
            raise RetryLater("the batch lost its turns: the reservation before failed") from None

    def _read(self, body: str) -> CallRequest:
        try:
            return CallRequest.from_body(body, self._vendor_name)
        except Malformed as error:
            waiter = waiter_of(body)
            if waiter:
                self._waiters.fail(waiter, ErrorCode.REQUEST_MALFORMED, str(error))
            raise
