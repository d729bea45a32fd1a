"""Dispatching a batch of requests (hop 3): record each, wait for its in-flight permit and turn, start its Express
workflow. No slot is taken for a task that has ended, nor for a job that the vendor has already.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from headway_lane.contract.profile import Profiles, TuningUnknown
from headway_lane.contract.timing import MARGIN_S
from headway_lane.contract.vendor import Vendor
from headway_lane.dispatcher.admission import UNLIMITED, Admission, admit_all
from headway_lane.ledger.record import ENDED, Call
from headway_lane.ledger.store import Ledger
from headway_lane.ledger.succession import Next, of_another_attempt, of_the_same_attempt
from headway_lane.limiter.core.reservations import Permit
from headway_lane.limiter.pace import Pace, Starts, no_starts
from headway_lane.messages import json_text
from headway_lane.messages.claim import STATE_BYTES
from headway_lane.messages.origin import Origin
from headway_lane.messages.received import Received
from headway_lane.messages.request import REQUEST, CallRequest
from headway_lane.resume.malformed import told_if_malformed
from headway_lane.resume.waiters import Waiters
from headway_lane.runtime.errors import Malformed, NewerFormat, RetryLater
from headway_lane.runtime.observability import logger

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

ENDS_SOON_S: Final = MARGIN_S
"""A task that would end within this time is asked whether it still waits, which lets it wait anew: what is dispatched
takes about so long to the vendor.
"""
PERMIT_BYTES: Final = 128
"""What a permit, and the time when its task ends, take in an input, with numbers as long as they get."""
TWIN_REQUEUE_S: Final = 15
"""When a request comes again whose call another task waits for, too: items of nested Maps that nothing tells apart, or
a child execution that outlived its parent's attempt. Each gets its turn.
"""


class Dispatcher:
    """Dispatches the requests of one vendor; clients, pace and clock are arguments."""

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
        epoch_s: Callable[[], float],
        admission_of: Callable[[Vendor], Admission] = admit_all,
    ) -> None:
        self._vendor_name = vendor_name
        self._profiles = profiles
        self._ledger = ledger
        self._waiters = waiters
        self._pace = pace
        self._step_functions = step_functions
        self._machine_arn = machine_arn
        self._epoch_s = epoch_s
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

    def admission(self) -> Admission:
        """Return what admits the calls of a batch."""
        return self._admission_of(self._profiles.vendor(self._vendor_name))

    def read(self, received: Received) -> CallRequest:
        """Read a message, and say when its task ends. A malformed one fails its waiting task at once and raises, so
        that the queue moves it to its DLQ. Raises NewerFormat, too.
        """
        with told_if_malformed(received.body, self._waiters):
            return self._request(received)

    def ask_all(self, messages: Iterable[Received]) -> Mapping[Received, CallRequest | None]:
        """Find out whose task has ended (None) by `awaited`, for a whole batch before anything is reserved for it.

        What cannot be read is left out, and so is all that comes after one that cannot be asked: their turns find that
        out. Nothing is asked where nothing would be reserved.
        """
        looked: dict[Received, CallRequest | None] = {}
        if self._profiles.vendor(self._vendor_name).dispatch.by_permits:
            with suppress(BotoCoreError, ClientError):
                for message in messages:
                    with suppress(Malformed, NewerFormat):
                        looked[message] = self.awaited(self._request(message))
        return looked

    def awaited(self, request: CallRequest) -> CallRequest | None:
        """Return a request whose task waits, and may wait anew where it would have ended soon; None where it has ended.

        On the direct way nobody asks after the dispatcher, so every task is asked here.
        """
        vendor = self._profiles.vendor(self._vendor_name)
        ends_epoch_s = request.ends_epoch_s or 0
        if not vendor.dispatch.direct and self._epoch_s() < ends_epoch_s - ENDS_SOON_S:
            return request
        return self._alive(request, self._epoch_s()) if self._waiters.beat(request.waiter) else None

    def drop(self, request: CallRequest, tenant: str) -> bool:
        """Write down that a request's task ended before its call was made. False where its call went further, or is
        another attempt's. What may have been sent stays so: the next attempt begins in doubt.
        """
        vendor = self._profiles.vendor(self._vendor_name)
        call = self._ledger.enqueue(request, tenant, vendor.record_ttl_s)
        cause = f"{vendor.name}: the task had ended in the queue"
        ours = call.attempt == request.attempt
        return ours and self._ledger.expire(call, cause) is not None

    def dispatch(self, request: CallRequest, origin: Origin, turns: Starts, admission: Admission = UNLIMITED) -> bool:
        """Start the Express workflow of one request from `origin`. False for a duplicate delivery. Raises RetryLater
        where it has to wait.
        """
        vendor = self._profiles.vendor(self._vendor_name)
        call = self._ledger.enqueue(request, origin.group or "", vendor.record_ttl_s)
        if call.attempt == request.attempt:
            after = of_the_same_attempt(call, self._epoch_s())
        else:
            after = self._succeed(call, request, vendor.record_ttl_s)
        if after is Next.DROP:
            return False
        if after is Next.WAIT:
            raise RetryLater("somebody else is making the call", call.lease_until_epoch_s - self._epoch_s())
        if after is Next.JOIN:
            self._start(request, origin, None)
            logger().info("call handed over", call_id=request.call_id)
            return True
        admission.admit(request.call_id)
        permit = self._turn(turns)
        self._start(request, origin, permit)
        logger().info("call dispatched", call_id=request.call_id, slot_us=permit.slot_us if permit else None)
        return True

    def _succeed(self, call: Call, request: CallRequest, ttl_s: int) -> Next:
        """Let another attempt go on with a call, if its task waits and the one before has ended."""
        if not self._waiters.beat(request.waiter):
            return Next.DROP  # it is the earlier one, whose message came late
        if call.state not in ENDED and self._waiters.beat(call.waiter):
            raise RetryLater("another task waits for the same call", TWIN_REQUEUE_S)
        succession = of_another_attempt(call, self._epoch_s())
        if succession.next is not Next.WAIT and not self._ledger.take_over(call, request, succession, ttl_s):
            raise RetryLater("the call has moved meanwhile")
        return succession.next

    def _request(self, received: Received) -> CallRequest:
        """Return a message's request, and when its task ends. Raises Malformed and NewerFormat."""
        request = CallRequest.from_body(received.body, self._vendor_name, received.tenant)
        _check_size(request, received.origin)
        return request if request.ends_epoch_s else self._alive(request, received.sent_epoch_s)

    def _alive(self, request: CallRequest, heard_epoch_s: float) -> CallRequest:
        """Return a request whose task was last heard of then."""
        vendor = self._profiles.vendor(self._vendor_name)
        return replace(request, ends_epoch_s=int(heard_epoch_s) + vendor.call_heartbeat_s)

    def _start(self, request: CallRequest, origin: Origin, permit: Permit | None) -> None:
        self._step_functions.start_execution(
            stateMachineArn=self._machine_arn,
            input=json_text.write(_input(request, origin, permit)),
        )

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


def _input(request: CallRequest, origin: Origin, permit: Permit | None) -> Mapping[str, Any]:
    """Return the input of a request's Express execution."""
    return {
        **REQUEST.stamp,
        "call_id": request.call_id,
        "attempt": request.attempt,
        "call": request.place.as_document(),
        "vendor": request.vendor,
        "payload": request.payload,
        "ends_epoch_s": request.ends_epoch_s,
        "permit": asdict(permit) if permit else {},
        "origin": asdict(origin),
    }


def _check_size(request: CallRequest, origin: Origin) -> None:
    """Raise Malformed where no execution takes a request: a number may be longer as this code writes it."""
    size_bytes = len(json_text.encode(_input(request, origin, None))) + PERMIT_BYTES
    if size_bytes > STATE_BYTES:
        raise Malformed(
            f"the request comes to {size_bytes:,} bytes, over the {STATE_BYTES:,} of an execution's input:"
            " lay its payload down, and send the claim check"
        )
