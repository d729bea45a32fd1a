"""An invocation can be throttled on demand, whoever invokes: ministack counts executions in one place for all."""

from typing import Any

from ministack.services import lambda_svc

from headway.cloud.faults import INVOKE, PLAN, Kind


def apply() -> None:
    """Ask the plan before an execution gets its place."""
    acquire = lambda_svc._acquire_execution_slot

    def acquire_unless_throttled(function: dict[str, Any], config: dict[str, Any]) -> Any:
        if PLAN.armed and PLAN.met_by("lambda", INVOKE, config.get("FunctionName", ""), {Kind.THROTTLE}):
            return None, "function"
        return acquire(function, config)

    lambda_svc._acquire_execution_slot = acquire_unless_throttled
