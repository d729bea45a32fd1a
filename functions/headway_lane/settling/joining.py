"""Joining function of `dispatch_call_direct` (hop 7). In: a call whose answer was there before its job ID was known.

Out: its waiting task settled. Only that rare order needs code; the direct way has none otherwise.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane.ledger.tables import ledger
from headway_lane.limiter import in_flight_tables
from headway_lane.resume.settlement import Settler
from headway_lane.resume.task_token import TaskTokens
from headway_lane.runtime import aws
from headway_lane.runtime.observability import logger


@cache
def settler() -> Settler:
    """Return this worker's settler of waiting tasks."""
    return Settler(ledger(), TaskTokens(aws.step_functions()), in_flight_tables.release)


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Settle one call with the answer that is parked under its job ID."""
    del context
    answer = ledger().join_call(event["vendor"], event["job_id"], event["call_id"])
    if answer is None:
        return {"settlement": "unanswered"}
    settlement = settler().settle(event["call_id"], answer)
    logger().info("early answer settled", call_id=event["call_id"], settlement=settlement)
    return {"settlement": settlement}
