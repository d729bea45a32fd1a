"""The ledger in DynamoDB (hop 7): one item per call, one item per job ID, every change conditional on a named state.

Nothing is ever put over an existing item, so duplicates and either order of arrival are safe: of two writers exactly
one sees its condition hold. A move names the attempt that it is for (`messages.identity`).

An SDK sends a request again where its response was lost, and the repeat of a move finds the call moved: its condition
fails though the move has happened. So every move signs the record with an ID of its own, and knows its own work again
by it.

What is written by a newer version of its format is neither read nor changed: every method raises NewerFormat then.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from headway_lane.ledger.changes import changed, unless_condition_failed
from headway_lane.ledger.jobs import JobLedger
from headway_lane.ledger.record import (
    CALL,
    SENT_BY_NOBODY,
    UNACCEPTED,
    Call,
    CallAttribute,
    CallState,
    since_attribute,
)
from headway_lane.ledger.succession import Succession
from headway_lane.messages.identity import attempt_of
from headway_lane.messages.request import CallRequest
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.formats import UNDERSTOOD
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

_OF_AN_ATTEMPT: Final = (
    CallAttribute.ERROR,
    CallAttribute.CAUSE,
    CallAttribute.HOLDER,
    CallAttribute.REFUSALS,
    CallAttribute.CANCELLING_UNTIL_EPOCH_S,
)
"""What another attempt does not take over."""


class Ledger(JobLedger):
    """The two tables; `epoch_ms` is the clock. Every move but `answer` names an attempt, and finds nothing where
    another one has taken the call over.
    """

    def __init__(self, calls: "Table", jobs: "Table", epoch_ms: Callable[[], int]) -> None:
        super().__init__(jobs, epoch_ms)
        self._calls = calls

    def enqueue(self, request: CallRequest, tenant: str, ttl_s: int) -> Call:
        """Record a call as queued, with its waiter, before anything else is done for it. Returns the record: the one
        before, where it is known already.
        """
        now_ms = self._epoch_ms()
        item = {
            CallAttribute.CALL_ID: request.call_id,
            CallAttribute.STATE: CallState.QUEUED,
            CallAttribute.VENDOR: request.vendor,
            CallAttribute.EXECUTION: request.place.execution,
            CallAttribute.STEP: request.place.step,
            CallAttribute.TENANT: tenant,
            CallAttribute.WAITER: request.waiter,
            CallAttribute.ATTEMPT: request.attempt,
            CallAttribute.MOVE_ID: uuid4().hex,
            since_attribute(CallState.QUEUED): now_ms,
            CallAttribute.EXPIRES_EPOCH_S: now_ms // 1_000 + ttl_s,
            **CALL.stamp,
        }
        try:
            self._calls.put_item(
                Item=item,  # type: ignore[arg-type] # StrEnum keys are strings
                ConditionExpression=f"attribute_not_exists({CallAttribute.CALL_ID})",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            unless_condition_failed(error)
            return _call(item_of(error))
        return _call(item)

    def take_over(self, found: Call, request: CallRequest, succession: Succession, ttl_s: int) -> Call | None:
        """Let another attempt go on with a call as it was `found`. None where it has moved meanwhile."""
        values: dict[str, str | int | bool] = {
            CallAttribute.WAITER: request.waiter,
            CallAttribute.ATTEMPT: request.attempt,
            CallAttribute.ROUND: found.round_number + succession.new_round,
            CallAttribute.EXPIRES_EPOCH_S: self._epoch_ms() // 1_000 + ttl_s,
        }
        removed = [*_OF_AN_ATTEMPT]
        if succession.doubtful:
            values[CallAttribute.DOUBTFUL] = True
        else:
            removed.append(CallAttribute.DOUBTFUL)
        if succession.new_round:
            removed.append(CallAttribute.JOB_ID)
        return self._move(
            found.call_id,
            found.attempt,
            (found.state,),
            succession.after,
            values,
            removed=removed,
            move_id=found.move_id,
        )

    def find(self, call_id: str) -> Call | None:
        """Return the record of a call, read consistently."""
        item = self._calls.get_item(Key={CallAttribute.CALL_ID: call_id}, ConsistentRead=True).get("Item")
        return _call(item) if item else None

    def waiter_of(self, call_id: str) -> Waiter | None:
        """Return who waits for a call, in whatever version its record is written; None where there is no record."""
        item = self._calls.get_item(Key={CallAttribute.CALL_ID: call_id}, ConsistentRead=True).get("Item", {})
        return Waiter(str(item[CallAttribute.WAITER])) if CallAttribute.WAITER in item else None

    def begin(self, call_id: str, attempt: str, holder: str, lease_s: int) -> Call | None:
        """Move queued or dispatching -> dispatching, under a lease of `lease_s`. None where the call is elsewhere.

        Taking over what another one is about to send is safe: it will not be let to `send`.
        """
        return self._move(call_id, attempt, SENT_BY_NOBODY, CallState.DISPATCHING, self._lease(holder, lease_s))

    def take_back(self, found: Call, holder: str, lease_s: int) -> Call | None:
        """Move sending -> dispatching in doubt, where the lease of who was sending is over."""
        values, removed = {**self._lease(holder, lease_s), CallAttribute.DOUBTFUL: True}, (CallAttribute.REFUSALS,)
        before, after = (CallState.SENDING,), CallState.DISPATCHING
        return self._move(found.call_id, found.attempt, before, after, values, removed=removed, move_id=found.move_id)

    def send(self, call_id: str, attempt: str, holder: str) -> Call | None:
        """Move dispatching -> sending: from here on the vendor may have the call. May be repeated by the holder. None
        where it is not the holder's any more; then it must not be sent.
        """
        origins = (CallState.DISPATCHING, CallState.SENDING)
        return self._move(call_id, attempt, origins, CallState.SENDING, holder=holder)

    def release(self, call: Call, doubtful: bool = False, *, refusals: int = 0) -> Call | None:
        """Move dispatching or sending -> queued, to be tried again: the vendor did not take the call, or nobody knows
        (`doubtful`), with so many refusals since. Only for the call's holder.
        """
        origins = (CallState.DISPATCHING, CallState.SENDING)
        told = {CallAttribute.DOUBTFUL: doubtful, CallAttribute.REFUSALS: refusals}
        return self._move(
            call.call_id,
            call.attempt,
            origins,
            CallState.QUEUED,
            {name: value for name, value in told.items() if value},
            removed=[name for name, value in told.items() if not value],
            holder=call.holder,
        )

    def requeue(self, found: Call) -> Call | None:
        """Move dispatching -> queued, whoever holds it, with its doubt from before: nothing was sent. None where it has
        moved since it was `found`: its holder lives, and may be sending it.
        """
        before = (CallState.DISPATCHING,)
        return self._move(found.call_id, found.attempt, before, CallState.QUEUED, move_id=found.move_id)

    def accept(self, call_id: str, attempt: str, job_id: str) -> Call | None:
        """Move dispatching or sending -> accepted with the vendor's job ID. None where the call went elsewhere
        meanwhile.
        """
        origins = (CallState.DISPATCHING, CallState.SENDING)
        values, removed = {CallAttribute.JOB_ID: job_id}, (CallAttribute.DOUBTFUL, CallAttribute.REFUSALS)
        return self._move(call_id, attempt, origins, CallState.ACCEPTED, values, removed=removed)

    def reject(self, call_id: str, attempt: str, error: str, cause: str) -> Call | None:
        """Move queued, dispatching or sending -> rejected."""
        values = {CallAttribute.ERROR: error, CallAttribute.CAUSE: cause}
        return self._move(call_id, attempt, UNACCEPTED, CallState.REJECTED, values)

    def abandon(self, call: Call, error: str, cause: str) -> Call | None:
        """Move accepted -> rejected: the vendor lost the job, or never said what became of it."""
        values = {CallAttribute.ERROR: error, CallAttribute.CAUSE: cause}
        return self._move(call.call_id, call.attempt, (CallState.ACCEPTED,), CallState.REJECTED, values)

    def begin_cancel(self, found: Call, lease_s: int) -> Call | None:
        """Note on an accepted call that the vendor is about to be told to call its job off, by whoever is dead for sure
        in `lease_s`. None where it has moved since it was `found`.
        """
        stays = CallState.ACCEPTED
        values = {CallAttribute.CANCELLING_UNTIL_EPOCH_S: self._epoch_ms() // 1_000 + lease_s}
        return self._move(found.call_id, found.attempt, (stays,), stays, values, move_id=found.move_id, keeps_time=True)

    def leave_cancel(self, begun: Call) -> Call | None:
        """Note that the vendor does not call it off. None where the call went elsewhere meanwhile."""
        stays, removed = CallState.ACCEPTED, (CallAttribute.CANCELLING_UNTIL_EPOCH_S,)
        return self._move(
            begun.call_id, begun.attempt, (stays,), stays, removed=removed, move_id=begun.move_id, keeps_time=True
        )

    def cancel(self, call: Call) -> Call | None:
        """Move accepted -> cancelled: the vendor calls its job off. None where the call went elsewhere meanwhile."""
        before, removed = (CallState.ACCEPTED,), (CallAttribute.CANCELLING_UNTIL_EPOCH_S,)
        return self._move(
            call.call_id, call.attempt, before, CallState.CANCELLED, removed=removed, move_id=call.move_id
        )

    def expire(self, call: Call, cause: str) -> Call | None:
        """Move queued or dispatching -> expired: its task has ended before the vendor was called. Who is sending it may
        be in the middle of that: only its holder knows, and releases it first.
        """
        values = {CallAttribute.CAUSE: cause}
        return self._move(call.call_id, call.attempt, SENT_BY_NOBODY, CallState.EXPIRED, values)

    def answer(self, call_id: str, job_id: str) -> Call | None:
        """Move accepted or cancelled -> answered, whose attempt it may be: the answer is for who waits now. A job may
        have ended before it could be called off. None where the call has another job, too.
        """
        origins = (CallState.ACCEPTED, CallState.CANCELLED)
        return self._move(call_id, None, origins, CallState.ANSWERED, job_id=job_id)

    def resume(self, call: Call) -> Call | None:
        """Move answered -> resumed: Step Functions took the answer."""
        return self._move(call.call_id, call.attempt, (CallState.ANSWERED,), CallState.RESUMED)

    def lapse(self, call: Call, error: str | None) -> Call | None:
        """Move answered -> late: the answer, an error where the job has failed, came after its task had ended."""
        values = {CallAttribute.ERROR: error} if error else {}
        return self._move(call.call_id, call.attempt, (CallState.ANSWERED,), CallState.LATE, values)

    def _lease(self, holder: str, lease_s: int) -> dict[str, str | int]:
        return {
            CallAttribute.HOLDER: holder,
            CallAttribute.LEASE_UNTIL_EPOCH_S: self._epoch_ms() // 1_000 + lease_s,
        }

    def _move(
        self,
        call_id: str,
        attempt: str | None,
        origins: tuple[CallState, ...],
        state: CallState,
        values: Mapping[Any, str | int | bool] | None = None,
        *,
        removed: Sequence[CallAttribute] = (),
        move_id: str | None = None,
        keeps_time: bool = False,
        **as_it_is: str | None,
    ) -> Call | None:
        """Change the state of a call if it is in one of `origins`, stamp it, and drop what is `removed`. None where it
        is not, or is another attempt's, or has other attributes than `as_it_is`, or was moved since `move_id`; unless
        this very move has brought it into `state` and only its response was lost.
        """
        ours = uuid4().hex
        changes = {
            CallAttribute.STATE: state,
            CallAttribute.MOVE_ID: ours,
            **({} if keeps_time else {since_attribute(state): self._epoch_ms()}),
            **(values or {}),
            **CALL.stamp,
        }
        places: dict[str, str] = {f":from{index}": origin for index, origin in enumerate(origins)}
        expected = {
            name: value
            for name, value in {CallAttribute.ATTEMPT: attempt, CallAttribute.MOVE_ID: move_id, **as_it_is}.items()
            if value
        }
        conditions = [
            UNDERSTOOD,
            f"#{CallAttribute.STATE} IN ({', '.join(places)})",
            *(f"#{name} = :expected_{name}" for name in expected if name != CallAttribute.ATTEMPT),
        ]
        if attempt:  # version 1 knew one attempt of a call
            name = CallAttribute.ATTEMPT
            conditions.append(f"(attribute_not_exists(#{name}) OR #{name} = :expected_{name})")
        places |= {f":expected_{name}": value for name, value in expected.items()}
        try:
            answer = self._calls.update_item(
                Key={CallAttribute.CALL_ID: call_id},
                **changed(changes, places, " AND ".join(conditions), (*removed,), (*expected,)),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            unless_condition_failed(error)
            found = item_of(error)
            CALL.check(found)
            moved = found.get(CallAttribute.MOVE_ID) == ours and found[CallAttribute.STATE] == state
            return _call(found) if moved else None
        return _call(answer["Attributes"])


def _call(item: Mapping[str, Any]) -> Call:
    CALL.check(item)
    waiter = Waiter(str(item[CallAttribute.WAITER]))
    return Call(
        call_id=item[CallAttribute.CALL_ID],
        vendor=item[CallAttribute.VENDOR],
        tenant=item.get(CallAttribute.TENANT, ""),
        state=CallState(item[CallAttribute.STATE]),
        waiter=waiter,
        attempt=item.get(CallAttribute.ATTEMPT) or attempt_of(waiter),
        round_number=int(item.get(CallAttribute.ROUND, 0)),
        job_id=item.get(CallAttribute.JOB_ID),
        holder=item.get(CallAttribute.HOLDER),
        lease_until_epoch_s=int(item.get(CallAttribute.LEASE_UNTIL_EPOCH_S, 0)),
        doubtful=bool(item.get(CallAttribute.DOUBTFUL)),
        refusals=int(item.get(CallAttribute.REFUSALS, 0)),
        cancelling_until_epoch_s=int(item.get(CallAttribute.CANCELLING_UNTIL_EPOCH_S, 0)),
        error=item.get(CallAttribute.ERROR),
        move_id=item.get(CallAttribute.MOVE_ID, ""),
    )
