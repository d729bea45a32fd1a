"""The ledger in DynamoDB (hop 7): one item per call, one item per job ID, every change conditional on a named state.

Nothing is ever put over an existing item, so duplicates and either order of arrival are safe: of two writers exactly
one sees its condition hold.

An SDK sends a request again where its response was lost, and the repeat of a move finds the call moved: its condition
fails though the move has happened. So every move signs the record with an ID of its own, and knows its own work again
by it.

What is written by a newer version of its format is neither read nor changed: every method raises NewerFormat then.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from headway_lane.ledger.record import (
    CALL,
    JOB,
    Answer,
    Call,
    CallAttribute,
    CallState,
    JobAttribute,
    job_key,
    since_attribute,
)
from headway_lane.messages import json_text
from headway_lane.messages.request import CallRequest
from headway_lane.messages.waiter import Waiter
from headway_lane.runtime.formats import UNDERSTOOD
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

JOB_TTL_S: Final = 30 * 24 * 3600
"""How long a job ID stays known: longer than any vendor redelivers a callback (the longest documented one: 10 days)."""


class Parked(NamedTuple):
    """What the jobs table holds after an answer came: who waits for it (None: nobody yet), and was it the first."""

    call_id: str | None
    first: bool


class Ledger:
    """The two tables; `epoch_ms` is the clock."""

    def __init__(self, calls: "Table", jobs: "Table", epoch_ms: Callable[[], int]) -> None:
        self._calls = calls
        self._jobs = jobs
        self._epoch_ms = epoch_ms

    def enqueue(self, request: CallRequest, ttl_s: int) -> bool:
        """Record a call as queued, with its waiter, before anything else is done for it. False where it is known
        already (a duplicate delivery).
        """
        now_ms = self._epoch_ms()
        try:
            self._calls.put_item(
                Item={
                    CallAttribute.CALL_ID: request.call_id,
                    CallAttribute.STATE: CallState.QUEUED,
                    CallAttribute.VENDOR: request.vendor,
                    CallAttribute.WAITER: request.waiter,
                    CallAttribute.IDEMPOTENCY_KEY: request.idempotency_key,
                    since_attribute(CallState.QUEUED): now_ms,
                    CallAttribute.EXPIRES_EPOCH_S: now_ms // 1_000 + ttl_s,
                    **CALL.stamp,
                },
                ConditionExpression=f"attribute_not_exists({CallAttribute.CALL_ID})",
            )
        except ClientError as error:
            _unless_condition_failed(error)
            return False
        return True

    def find(self, call_id: str) -> Call | None:
        """Return the record of a call, read consistently."""
        item = self._calls.get_item(Key={CallAttribute.CALL_ID: call_id}, ConsistentRead=True).get("Item")
        return _call(item) if item else None

    def waiter_of(self, call_id: str) -> Waiter | None:
        """Return who waits for a call, in whatever version its record is written; None where there is no record."""
        item = self._calls.get_item(Key={CallAttribute.CALL_ID: call_id}, ConsistentRead=True).get("Item", {})
        return Waiter(str(item[CallAttribute.WAITER])) if CallAttribute.WAITER in item else None

    def begin(self, call_id: str, lease_owner: str, lease_s: int) -> Call | None:
        """Move queued -> dispatching under a lease. None where the call is not queued any more."""
        return self._move(
            call_id,
            (CallState.QUEUED,),
            CallState.DISPATCHING,
            {
                CallAttribute.LEASE_OWNER: lease_owner,
                CallAttribute.LEASE_UNTIL_EPOCH_S: self._epoch_ms() // 1_000 + lease_s,
            },
        )

    def release(self, call_id: str, doubtful: bool = False) -> Call | None:
        """Move dispatching -> queued, to be tried again: the vendor did not take the call, or nobody knows
        (`doubtful`).
        """
        origins = (CallState.DISPATCHING,)
        if doubtful:
            return self._move(call_id, origins, CallState.QUEUED, {CallAttribute.DOUBTFUL: True})
        return self._move(call_id, origins, CallState.QUEUED, removed=(CallAttribute.DOUBTFUL,))

    def accept(self, call_id: str, job_id: str) -> Call | None:
        """Move dispatching -> accepted with the vendor's job ID. None where the call went elsewhere meanwhile."""
        return self._move(call_id, (CallState.DISPATCHING,), CallState.ACCEPTED, {CallAttribute.JOB_ID: job_id})

    def reject(self, call_id: str, error: str, cause: str) -> Call | None:
        """Move queued or dispatching -> rejected."""
        return self._move(
            call_id,
            (CallState.QUEUED, CallState.DISPATCHING),
            CallState.REJECTED,
            {CallAttribute.ERROR: error, CallAttribute.CAUSE: cause},
        )

    def abandon(self, call_id: str, error: str, cause: str) -> Call | None:
        """Move accepted -> rejected: the vendor lost the job, or never said what became of it."""
        return self._move(
            call_id,
            (CallState.ACCEPTED,),
            CallState.REJECTED,
            {CallAttribute.ERROR: error, CallAttribute.CAUSE: cause},
        )

    def expire(self, call_id: str) -> Call | None:
        """Move dispatching -> expired: its task has ended before the vendor was called."""
        return self._move(call_id, (CallState.DISPATCHING,), CallState.EXPIRED)

    def answer(self, call_id: str) -> Call | None:
        """Move accepted -> answered."""
        return self._move(call_id, (CallState.ACCEPTED,), CallState.ANSWERED)

    def resume(self, call_id: str) -> Call | None:
        """Move answered -> resumed: Step Functions took the answer."""
        return self._move(call_id, (CallState.ANSWERED,), CallState.RESUMED)

    def lapse(self, call_id: str) -> Call | None:
        """Move answered or expired -> late: the answer came after its task had ended."""
        return self._move(call_id, (CallState.ANSWERED, CallState.EXPIRED), CallState.LATE)

    def join_call(self, vendor: str, job_id: str, call_id: str) -> Answer | None:
        """Map a job ID to its call. Returns the answer where it came before its job ID was known."""
        return _answer(self._write_job(vendor, job_id, {JobAttribute.CALL_ID: call_id}).get("Attributes", {}))

    def join_answer(self, vendor: str, answer: Answer) -> Parked:
        """Store an answer under its job ID, once. Whoever waits for it is in what comes back."""
        values: dict[str, Any] = {
            JobAttribute.ANSWER: json_text.write(asdict(answer)),
            JobAttribute.ANSWERED_EPOCH_MS: self._epoch_ms(),
        }
        try:
            item = self._write_job(
                vendor, answer.job_id, values, condition=f"{UNDERSTOOD} AND attribute_not_exists({JobAttribute.ANSWER})"
            )
        except ClientError as error:
            _unless_condition_failed(error)
            return Parked(self.call_of_job(vendor, answer.job_id), first=False)
        call_id = item["Attributes"].get(JobAttribute.CALL_ID)
        return Parked(str(call_id) if call_id else None, first=True)

    def call_of_job(self, vendor: str, job_id: str) -> str | None:
        """Return the call that a job ID belongs to, read consistently."""
        call_id = self._job(vendor, job_id).get(JobAttribute.CALL_ID)
        return str(call_id) if call_id else None

    def answer_of_job(self, vendor: str, job_id: str) -> Answer | None:
        """Return the vendor's last word on a job, read consistently."""
        return _answer(self._job(vendor, job_id))

    def _job(self, vendor: str, job_id: str) -> Mapping[str, Any]:
        key = job_key(vendor, job_id)
        item = self._jobs.get_item(Key={JobAttribute.JOB_KEY: key}, ConsistentRead=True).get("Item", {})
        JOB.check(item)
        return item

    def _move(
        self,
        call_id: str,
        origins: tuple[CallState, ...],
        state: CallState,
        values: Mapping[str, str | int] | None = None,
        removed: tuple[CallAttribute, ...] = (),
    ) -> Call | None:
        """Change the state of a call if it is in one of `origins`, stamp it, and drop what is `removed`. None where it
        is not, unless this very move has brought it into `state` and only its response was lost.
        """
        move_id = uuid4().hex
        changes = {
            CallAttribute.STATE: state,
            CallAttribute.MOVE_ID: move_id,
            since_attribute(state): self._epoch_ms(),
            **(values or {}),
            **CALL.stamp,
        }
        places = {f":from{index}": origin for index, origin in enumerate(origins)}
        try:
            answer = self._calls.update_item(
                Key={CallAttribute.CALL_ID: call_id},
                **_set(changes, places, f"{UNDERSTOOD} AND #{CallAttribute.STATE} IN ({', '.join(places)})", removed),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            _unless_condition_failed(error)
            found = item_of(error)
            CALL.check(found)
            ours = found.get(CallAttribute.MOVE_ID) == move_id and found[CallAttribute.STATE] == state
            return _call(found) if ours else None
        return _call(answer["Attributes"])

    def _write_job(self, vendor: str, job_id: str, values: Mapping[str, Any], condition: str = UNDERSTOOD) -> Any:
        changes = {**values, JobAttribute.EXPIRES_EPOCH_S: self._epoch_ms() // 1_000 + JOB_TTL_S, **JOB.stamp}
        try:
            return self._jobs.update_item(
                Key={JobAttribute.JOB_KEY: job_key(vendor, job_id)},
                **_set(changes, condition=condition),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            JOB.check(item_of(error))
            raise


def _answer(job: Mapping[str, Any]) -> Answer | None:
    answer = job.get(JobAttribute.ANSWER)
    return Answer(**json.loads(str(answer))) if answer else None


def _set(
    changes: Mapping[str, Any],
    places: Mapping[str, Any] | None = None,
    condition: str = "",
    removed: tuple[CallAttribute, ...] = (),
) -> dict[str, Any]:
    """Build an update; names are aliased because `state` and `error` are reserved words of DynamoDB."""
    clauses = ["SET " + ", ".join(f"#{name} = :{name}" for name in changes)]
    clauses += ["REMOVE " + ", ".join(f"#{name}" for name in removed)] * bool(removed)
    expression: dict[str, Any] = {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*changes, *removed)},
        "ExpressionAttributeValues": {f":{name}": value for name, value in changes.items()} | dict(places or {}),
    }
    return expression | ({"ConditionExpression": condition} if condition else {})


def _call(item: Mapping[str, Any]) -> Call:
    CALL.check(item)
    return Call(
        call_id=item[CallAttribute.CALL_ID],
        vendor=item[CallAttribute.VENDOR],
        state=CallState(item[CallAttribute.STATE]),
        waiter=item[CallAttribute.WAITER],
        job_id=item.get(CallAttribute.JOB_ID),
        lease_owner=item.get(CallAttribute.LEASE_OWNER),
        doubtful=bool(item.get(CallAttribute.DOUBTFUL)),
    )


def _unless_condition_failed(error: ClientError) -> None:
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
