"""Settling function (hops 6 and 7): what ends a call apart from its caller, and apart from its callback.

A function of its own, so that a call is failed in the open even where the caller itself is what is broken: nothing
here imports the caller, the way to the vendor, or an HTTP client.
"""

from collections import Counter
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from headway_lane import worker
from headway_lane.runtime import clock
from headway_lane.runtime.names import Environment, Metric
from headway_lane.runtime.observability import logger, publish
from headway_lane.runtime.settings import setting
from headway_lane.settling.joining import joined
from headway_lane.settling.recovery import Recovery
from headway_lane.settling.rejection import Rejecter


@cache
def rejecter() -> Rejecter:
    """Build this worker's rejecter from its environment."""
    return Rejecter(worker.ledger(), worker.settler(), worker.sqs(), setting(Environment.REQUEST_DLQ_URL))


@cache
def recovery() -> Recovery:
    """Build this worker's recovery from its environment."""
    return Recovery(worker.ledger(), worker.settler().release, worker.request_queues(), clock.epoch_s)


def settle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Reject a call that failed for good; requeue one whose caller could not be run; or, on the direct way, join a call
    that has got its job ID.
    """
    del context
    if "error" in event:
        return reject(event)
    return recover(event) if "recover" in event else join(event)


def reject(event: dict[str, Any]) -> dict[str, bool]:
    """Reject a call that failed for good."""
    rejected = rejecter().reject(event["call"], event["error"], event["cause"])
    logger().warning("call rejected", call_id=event["call"]["call_id"], error_code=event["error"], rejected=rejected)
    return {"rejected": rejected}


def recover(event: dict[str, Any]) -> dict[str, bool]:
    """Requeue a call whose caller could not be run, and count it."""
    call = event["recover"]
    requeued = recovery().requeue(call)
    logger().warning("caller failed", call_id=call["call_id"], error_type=event["because"], requeued=requeued)
    publish(call["vendor"], Counter({Metric.CALLS_UNREADY: int(requeued)}))
    return {"requeued": requeued}


def join(event: dict[str, Any]) -> dict[str, str]:
    """Settle one call of `dispatch_call_direct` with the answer that is parked under its job ID."""
    call = worker.ledger().find(event["call_id"])
    settlement = None if call is None else joined(worker.ledger(), worker.settler(), call, event["job_id"])
    if settlement is None:
        return {"settlement": "unanswered"}
    logger().info("early answer settled", call_id=event["call_id"], settlement=settlement)
    return {"settlement": settlement}
