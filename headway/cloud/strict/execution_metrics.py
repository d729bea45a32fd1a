"""Executions tell CloudWatch how they begin and end; those of ministack tell nothing.

AWS/States with the dimension StateMachineArn: ExecutionsStarted, ExecutionsSucceeded, ExecutionsFailed,
ExecutionsTimedOut, ExecutionsAborted, and ExecutionTime in milliseconds (Step Functions developer guide, "Monitoring
Step Functions metrics using Amazon CloudWatch"). Taken where ministack publishes the change of an execution's status.
"""

from collections.abc import Mapping
from typing import Any, Final

from ministack.services import stepfunctions

from headway.cloud.strict._minutes import MINUTES

NAMESPACE: Final = "AWS/States"
METRICS: Final = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def apply() -> None:
    """Count every change of an execution's status."""
    publish = stepfunctions._emit_execution_status_event

    def publish_counted(execution: Mapping[str, Any]) -> None:
        publish(execution)
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        metric = METRICS.get(execution["status"])
        if metric:
            MINUTES.count(NAMESPACE, metric, dimensions, 1, "Count")
        if execution.get("stopDate"):
            began_ms, ended_ms = (
                stepfunctions._iso_to_epoch_ms(execution.get(name)) for name in ("startDate", "stopDate")
            )
            MINUTES.count(NAMESPACE, "ExecutionTime", dimensions, ended_ms - began_ms, "Milliseconds")

    stepfunctions._emit_execution_status_event = publish_counted
    MINUTES.tick()
