"""Calls in the ledger as an operator asks for them: by whatever ID is at hand, or all of a kind.

In: a Connection and a call ID, a trace, a job ID, the ARN or the name of an execution. Out: KnownCalls; never who
waits for one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.conditions import Attr, Key
from headway_cdk.published import PublishedLane
from headway_lane.ledger.record import (
    EXECUTION_INDEX,
    CallAttribute,
    CallState,
    JobAttribute,
    job_key,
    since_attribute,
)
from headway_lane.messages.trace_context import call_id_in

from headway.deployment.connection import Connection
from headway.errors import UsageProblem
from headway.operations.attempts import attempts_at, described

if TYPE_CHECKING:
    from types_boto3_dynamodb.service_resource import Table

Record = Mapping[str, Any]

_HIDDEN: Final = (CallAttribute.WAITER,)
"""Whoever holds it can answer in the vendor's name."""
_EXECUTION: Final = ":execution:"


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call as the ledger has it. `record` is its item, empty where only its execution is known; `job` that of its
    job, empty where the vendor has given none, or nobody has written it down.
    """

    vendor: str | None
    call_id: str | None
    execution: str | None
    record: Record = field(repr=False)
    job: Record = field(repr=False)

    @property
    def state(self) -> CallState | None:
        """Where it stands; None where the ledger does not know it, or in words of its own."""
        try:
            return CallState(self.record[CallAttribute.STATE])
        except (KeyError, ValueError):
            return None

    @property
    def since_epoch_ms(self) -> int | None:
        """Since when it stands there."""
        found = None if self.state is None else self.record.get(since_attribute(self.state))
        return None if found is None else int(found)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "vendor": self.vendor,
            "call_id": self.call_id,
            "execution": self.execution,
            "state": self.state,
            "since_epoch_ms": self.since_epoch_ms,
            "record": plain(self.record),
            "job": plain(self.job),
        }


@dataclass(frozen=True, slots=True)
class CallsWanted:
    """Which calls of a list; None where any will do. Ages are seconds in the state where they stand."""

    vendor: str | None = None
    state: CallState | None = None
    older_than_s: float | None = None
    newer_than_s: float | None = None
    limit: int | None = None

    def takes(self, call: KnownCall, now_s: float) -> bool:
        """Whether a call stands long enough, or not too long, at an epoch second."""
        if self.older_than_s is None and self.newer_than_s is None:
            return True
        if call.since_epoch_ms is None:
            return False
        age_s = now_s - call.since_epoch_ms / 1_000
        return (self.older_than_s is None or age_s >= self.older_than_s) and (
            self.newer_than_s is None or age_s < self.newer_than_s
        )


def list_calls(connection: Connection, wanted: CallsWanted, now_s: float) -> Iterator[KnownCall]:
    """Yield calls in no order, a page of the table at a time: a question for a person, not for a loop."""
    count = 0
    for vendor, lane in _lanes(connection, wanted.vendor).items():
        asked: dict[str, Any] = {}
        if wanted.state is not None:
            asked["FilterExpression"] = Attr(CallAttribute.STATE).eq(wanted.state)
        for item in _pages(connection.target.table(lane.calls_table).scan, asked):
            call = _known(vendor, item, {})
            if wanted.takes(call, now_s):
                if count == wanted.limit:
                    return
                count += 1
                yield call


def find_calls(connection: Connection, identity: str, vendor: str | None = None) -> list[KnownCall]:
    """Return the calls that an ID means, the oldest first. UsageProblem where nobody knows it."""
    identity = call_id_in(identity) or identity
    lanes = _lanes(connection, vendor)
    if _EXECUTION in identity:
        found = _of_execution(connection, lanes, identity)
    else:
        found = (
            [call for name, lane in lanes.items() for call in _by_call_id(connection, name, lane, [identity])]
            or [call for name, lane in lanes.items() for call in _by_job_id(connection, name, lane, identity)]
            or _by_execution_name(connection, lanes, identity)
        )
    if not found:
        raise UsageProblem(
            f"{identity}: no call, job or execution of stage {connection.stage.name} is called so;"
            " a record is kept for some days behind its end"
        )
    return sorted(found, key=lambda call: int(call.record.get(since_attribute(CallState.QUEUED), 0)))


def _lanes(connection: Connection, vendor: str | None) -> Mapping[str, PublishedLane]:
    lanes = connection.stage.lanes
    if vendor is None:
        return lanes
    if vendor not in lanes:
        raise UsageProblem(f"--vendor {vendor}: stage {connection.stage.name} has {', '.join(lanes) or 'none'}")
    return {vendor: lanes[vendor]}


def _by_call_id(connection: Connection, vendor: str, lane: PublishedLane, call_ids: list[str]) -> Iterator[KnownCall]:
    calls, jobs = connection.target.table(lane.calls_table), connection.target.table(lane.jobs_table)
    for call_id in call_ids:
        item = _item(calls, {CallAttribute.CALL_ID: call_id})
        if item:
            job_id = item.get(CallAttribute.JOB_ID)
            job = _item(jobs, {JobAttribute.JOB_KEY: job_key(vendor, str(job_id))}) if job_id else {}
            yield _known(vendor, item, job)


def _by_job_id(connection: Connection, vendor: str, lane: PublishedLane, job_id: str) -> Iterator[KnownCall]:
    job = _item(connection.target.table(lane.jobs_table), {JobAttribute.JOB_KEY: job_key(vendor, job_id)})
    before = job.get(JobAttribute.CALL_ID)
    call_ids = sorted({*map(str, job.get(JobAttribute.CALL_IDS, ())), *([str(before)] if before else [])})
    yield from _by_call_id(connection, vendor, lane, call_ids)


def _by_execution_name(connection: Connection, lanes: Mapping[str, PublishedLane], name: str) -> list[KnownCall]:
    stage = connection.stage
    machines = [lane.call_vendor_machine_arn for lane in lanes.values()]
    machines += [workflow.arn for workflow in stage.workflows.values()]
    for machine in dict.fromkeys(machines):
        arn = f"{machine.replace(':stateMachine:', _EXECUTION, 1)}:{name}"
        if found := _of_execution(connection, lanes, arn):
            return found
    return []


def _of_execution(connection: Connection, lanes: Mapping[str, PublishedLane], arn: str) -> list[KnownCall]:
    """Return the calls of an execution; one without a record where its message has not been taken yet."""
    execution = described(connection.target.client("stepfunctions"), arn)
    if execution is None:
        return []
    site = _site(execution.get("input"), arn)
    found = [
        call
        for vendor, lane in lanes.items()
        for call in _by_call_id(connection, vendor, lane, _call_ids_of(connection, lane, site))
    ]
    if found:
        return found
    vendor = next((name for name, lane in lanes.items() if lane.call_vendor_machine_arn == _machine(arn)), None)
    return [KnownCall(vendor, None, arn, {}, {})]


def _site(text: str | None, arn: str) -> str:
    """Return the execution that a call is named after: a run's later attempts hand the first one's on."""
    try:
        call = json.loads(text or "{}").get("call")
        return str(call["execution"])
    except (ValueError, AttributeError, KeyError, TypeError):
        return arn


def _call_ids_of(connection: Connection, lane: PublishedLane, execution: str) -> list[str]:
    ask = {
        "IndexName": EXECUTION_INDEX,
        "KeyConditionExpression": Key(CallAttribute.EXECUTION).eq(execution),
    }
    calls = connection.target.table(lane.calls_table)
    return [str(item[CallAttribute.CALL_ID]) for item in _pages(calls.query, ask)]


def executions_of(connection: Connection, call: KnownCall) -> list[Mapping[str, Any]]:
    """Describe the executions that asked for a call, in their order."""
    return [*attempts_at(connection.target.client("stepfunctions"), call.execution)]


def _machine(execution_arn: str) -> str:
    return execution_arn.replace(_EXECUTION, ":stateMachine:", 1).rpartition(":")[0]


def _pages(ask: Any, arguments: Mapping[str, Any]) -> Iterator[Record]:
    begin: dict[str, Any] = {}
    while True:
        page = ask(**arguments, **begin)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _item(table: "Table", key: Mapping[Any, str]) -> Record:
    return table.get_item(Key={str(name): value for name, value in key.items()}, ConsistentRead=True).get("Item", {})


def _known(vendor: str, item: Record, job: Record) -> KnownCall:
    shown = {name: value for name, value in item.items() if name not in _HIDDEN}
    execution = item.get(CallAttribute.EXECUTION)
    return KnownCall(
        vendor, str(item[CallAttribute.CALL_ID]), None if execution is None else str(execution), shown, job
    )


def plain(item: Record) -> dict[str, Any]:
    """Return an item as JSON values: numbers are whole ones, a set is sorted."""
    return {
        str(name): sorted(map(str, value))
        if isinstance(value, set)
        else value
        if isinstance(value, bool | str)
        else int(value)
        for name, value in item.items()
    }
