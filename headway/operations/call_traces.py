"""One call's life across the hops, from its executions, the ledger and the functions' logs.

What cannot be read (no permission, a history that is gone, a log that AWS throttles for too long) is named among the
gaps, and the rest is told.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from headway_cdk.published import PublishedLane
from headway_lane.ledger.record import CallAttribute
from headway_lane.messages.trace_context import traceparent_of

from headway.deployment.connection import Connection
from headway.operations.calls import KnownCall, executions_of
from headway.operations.hops import STANDING, Hop, execution_hops, ledger_hops, log_hop, ordered

T = TypeVar("T")

BEFORE_MS: Final = 60_000
"""How long before the first hop that is known logs are read."""
EVENTS_PAGE_COUNT: Final = 1_000
"""Events of one answer: the most that GetExecutionHistory gives."""
LINES_LIMIT: Final = 2_000
"""Log lines of one call that are read of one function, at most."""


@dataclass(frozen=True, slots=True)
class CallTrace:
    """A call with its hops, the oldest first; `gaps` are what could not be read, and why."""

    call: KnownCall
    hops: Sequence[Hop]
    gaps: Sequence[str]

    @property
    def standing(self) -> str:
        """Say where the call stands."""
        return STANDING[self.call.state]

    @property
    def traceparent(self) -> str | None:
        """Return the trace that its vendor got."""
        call_id, round_number = self.call.call_id, self.call.record.get(CallAttribute.ROUND, 0)
        return None if call_id is None else traceparent_of(call_id, int(round_number))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **self.call.as_json(),
            "standing": self.standing,
            "traceparent": self.traceparent,
            "hops": [asdict(hop) for hop in self.hops],
            "gaps": [*self.gaps],
        }


def trace(connection: Connection, call: KnownCall) -> CallTrace:
    """Tell a call's life."""
    gaps: list[str] = []
    hops = [*ledger_hops(call), *_tried(gaps, "executions", lambda: _of_executions(connection, call))]
    if call.vendor is not None and call.call_id is not None and hops:
        lane, since_ms = connection.stage.lanes[call.vendor], min(hop.at_epoch_ms for hop in hops) - BEFORE_MS
        for function, term in _terms(lane, call):
            read = _log_reader(connection, function, term, since_ms)
            hops += _tried(gaps, f"the log of {function}", read)
    return CallTrace(call, ordered(dict.fromkeys(hops)), gaps)


def _tried(gaps: list[str], what: str, read: Callable[[], Iterable[T]]) -> list[T]:
    try:
        return list(read())
    except (BotoCoreError, ClientError) as error:
        gaps.append(f"{what}: {' '.join(str(error).split())}")
        return []


def _of_executions(connection: Connection, call: KnownCall) -> Iterator[Hop]:
    client = connection.target.client("stepfunctions")
    step = call.record.get(CallAttribute.STEP)
    for execution in executions_of(connection, call):
        pages = client.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"], includeExecutionData=False, maxResults=EVENTS_PAGE_COUNT
        )
        events: list[Mapping[str, Any]] = [event for page in pages for event in page["events"]]
        yield from execution_hops(execution["name"], events, None if step is None else str(step))


def _terms(lane: PublishedLane, call: KnownCall) -> Iterator[tuple[str, str]]:
    """Yield the functions whose logs tell of a call, each with what its lines have of it."""
    job_id = call.record.get(CallAttribute.JOB_ID)
    for function in (lane.dispatcher_function, lane.caller_function, lane.results_function, lane.settler_function):
        if function is not None:
            yield function, str(call.call_id)
    if lane.callback_function is not None and job_id is not None:
        yield lane.callback_function, str(job_id).replace('"', "")


def _log_reader(connection: Connection, function: str, term: str, since_ms: int) -> Callable[[], Iterator[Hop]]:
    """Return what reads the lines of a function that have a term."""

    def read() -> Iterator[Hop]:
        logging = connection.target.client("lambda").get_function_configuration(FunctionName=function)
        group = logging.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function}")
        pages = connection.target.client("logs").get_paginator("filter_log_events")
        count = 0
        for page in pages.paginate(logGroupName=group, filterPattern=f'"{term}"', startTime=max(0, since_ms)):
            for event in page["events"]:
                hop = log_hop(event["message"], int(event["timestamp"]))
                if hop is not None:
                    yield hop
                count += 1
                if count == LINES_LIMIT:
                    return

    return read
