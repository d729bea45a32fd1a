"""The jobs table (hop 7): which calls a vendor's job answers, and its answer. Either half may be written first."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from headway_lane.ledger.changes import changed, unless_condition_failed
from headway_lane.ledger.record import JOB, Answer, Call, JobAttribute, job_key
from headway_lane.messages import json_text
from headway_lane.runtime.errors import ErrorCode, FailTask
from headway_lane.runtime.formats import UNDERSTOOD
from headway_lane.runtime.refused_writes import item_of

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

JOB_TTL_S: Final = 30 * 24 * 3600
"""How long a job ID stays known: longer than any vendor redelivers a callback (the longest documented one: 10 days)."""


class Parked(NamedTuple):
    """What the jobs table holds after an answer came: which calls wait for it (none: nobody yet), whether it was the
    first, and the first one, which counts.
    """

    call_ids: tuple[str, ...]
    first: bool
    answer: Answer


class JobLedger:
    """The table of jobs; `epoch_ms` is the clock."""

    def __init__(self, jobs: "Table", epoch_ms: Callable[[], int]) -> None:
        self._jobs = jobs
        self._epoch_ms = epoch_ms

    def join_call(self, call: Call, job_id: str) -> Answer | None:
        """Map a job ID to a call, beside others of its tenant. Returns the answer where it came before its job ID was
        known. FailTask where the job is another tenant's.
        """
        ours = f"(attribute_not_exists(#{JobAttribute.TENANT}) OR #{JobAttribute.TENANT} = :{JobAttribute.TENANT})"
        values = {JobAttribute.TENANT: call.tenant}
        try:
            item = self._write_job(call.vendor, job_id, values, f"{UNDERSTOOD} AND {ours}", {call.call_id})
        except ClientError as error:
            unless_condition_failed(error)
            cause = f"{call.vendor} answered with job {job_id}, which is another tenant's"
            raise FailTask(ErrorCode.VENDOR_ANSWER_UNREADABLE, cause) from error
        return _answer(item["Attributes"])

    def join_answer(self, vendor: str, answer: Answer) -> Parked:
        """Store an answer under its job ID, once. Whoever waits for it is in what comes back."""
        values: dict[str, Any] = {
            JobAttribute.ANSWER: json_text.write(asdict(answer)),
            JobAttribute.ANSWERED_EPOCH_MS: self._epoch_ms(),
        }
        condition = f"{UNDERSTOOD} AND attribute_not_exists({JobAttribute.ANSWER})"
        try:
            item = self._write_job(vendor, answer.job_id, values, condition)
        except ClientError as error:
            unless_condition_failed(error)
            found = item_of(error)
            return Parked(_call_ids(found), False, _answer(found) or answer)
        return Parked(_call_ids(item["Attributes"]), True, answer)

    def calls_of_job(self, vendor: str, job_id: str) -> tuple[str, ...]:
        """Return the calls that a job ID belongs to, sorted, read consistently."""
        return _call_ids(self._job(vendor, job_id))

    def answer_of_job(self, vendor: str, job_id: str) -> Answer | None:
        """Return the vendor's last word on a job, read consistently."""
        return _answer(self._job(vendor, job_id))

    def _job(self, vendor: str, job_id: str) -> Mapping[str, Any]:
        key = job_key(vendor, job_id)
        item = self._jobs.get_item(Key={JobAttribute.JOB_KEY: key}, ConsistentRead=True).get("Item", {})
        JOB.check(item)
        return item

    def _write_job(
        self, vendor: str, job_id: str, values: Mapping[Any, Any], condition: str, call_ids: set[str] | None = None
    ) -> Any:
        changes = {**values, JobAttribute.EXPIRES_EPOCH_S: self._epoch_ms() // 1_000 + JOB_TTL_S, **JOB.stamp}
        update = changed(changes, condition=condition)
        if call_ids:
            update["UpdateExpression"] += f" ADD {JobAttribute.CALL_IDS} :{JobAttribute.CALL_IDS}"
            update["ExpressionAttributeValues"][f":{JobAttribute.CALL_IDS}"] = call_ids
        try:
            return self._jobs.update_item(
                Key={JobAttribute.JOB_KEY: job_key(vendor, job_id)},
                **update,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            JOB.check(item_of(error))
            raise


def _call_ids(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the calls of a job; version 1 knew one."""
    before = job.get(JobAttribute.CALL_ID)
    return tuple(sorted({*job.get(JobAttribute.CALL_IDS, ()), *([str(before)] if before else [])}))


def _answer(job: Mapping[str, Any]) -> Answer | None:
    answer = job.get(JobAttribute.ANSWER)
    return Answer(**json.loads(str(answer))) if answer else None
