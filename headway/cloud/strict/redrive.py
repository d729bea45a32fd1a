"""RedriveExecution lets an execution that failed, timed out or was aborted go on at its unsuccessful state.

AWS: API reference, RedriveExecution, and Developer Guide, "Restarting state machine executions with redrive": same
input, same definition, same ARN; within 14 days of its end; the history goes on with ExecutionRedriven; retries count
anew, and a Fail state fails again. The last ten client tokens answer again for 15 minutes. DescribeExecution says how
often, when, and whether it may be. ministack does not know the action.

Of a Parallel or Map state all branches run again; AWS runs only those that failed.
"""

import contextvars
import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions
from headway.cloud.patches.executions import Context, Execution

UNSUCCESSFUL: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
REDRIVABLE_FOR: Final = timedelta(days=14)
TOKENS_KEPT_COUNT: Final = 10
TOKENS_KEPT_S: Final = 15 * 60
TOKENS: Final = "redriveTokens"
"""Key of ministack's record: (client token, when in epoch seconds, the answer), oldest first."""


def reason_against(execution: Mapping[str, Any], express: bool, now: datetime) -> str | None:
    """Return why an execution cannot be redriven, in AWS's words; None where it can."""
    status = execution["status"]
    if express:
        return "Execution is EXPRESS and cannot be redriven"
    if status not in UNSUCCESSFUL:
        return f"Execution is {status} and cannot be redriven"
    ended = datetime.fromisoformat(execution["stopDate"].replace("Z", "+00:00"))
    return "Execution redrivable period exceeded" if now - ended > REDRIVABLE_FOR else None


def answered_before(tokens: Sequence[Sequence[Any]], token: str | None, now_s: float) -> str | None:
    """Return the answer that a client token has had, if it still counts."""
    return next((date for one, at_s, date in tokens if one == token and now_s - at_s <= TOKENS_KEPT_S), None)


def redrive(request: Mapping[str, Any]) -> Any:
    """Answer RedriveExecution."""
    arn, token, now_s = request.get("executionArn", ""), request.get("clientToken"), time.time()
    execution = sfn._executions.get(arn)
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'", 400)
    tokens = execution.get(TOKENS, [])
    if token is not None and (date := answered_before(tokens, token, now_s)):
        return json_response({"redriveDate": date})
    if reason := reason_against(execution, _is_express(execution), datetime.now(UTC)):
        return error_response_json("ExecutionNotRedrivable", reason, 400)
    redrive_count, date = execution.get("redriveCount", 0) + 1, sfn.now_iso()
    execution.update(
        {
            "status": "RUNNING",
            "stopDate": None,
            "output": None,
            "error": None,
            "cause": None,
            "redriveCount": redrive_count,
            "redriveDate": date,
            TOKENS: [*tokens, (token, now_s, date)][-TOKENS_KEPT_COUNT:],
        }
    )
    details = {"executionRedrivenEventDetails": {"redriveCount": redrive_count}}
    sfn._add_event(execution, "ExecutionRedriven", details)
    sfn._emit_execution_status_event(execution)
    scope = contextvars.copy_context()
    threading.Thread(target=scope.run, args=(sfn._run_execution, arn), daemon=True).start()
    return json_response({"redriveDate": date})


def standing(execution: Mapping[str, Any]) -> dict[str, Any]:
    """Return what DescribeExecution says of redrives."""
    said: dict[str, Any] = {"redriveCount": execution.get("redriveCount", 0)}
    if "redriveDate" in execution:
        said["redriveDate"] = execution["redriveDate"]
    reason = reason_against(execution, _is_express(execution), datetime.now(UTC))
    if reason is None:
        return {**said, "redriveStatus": "REDRIVABLE"}
    return {**said, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _is_express(execution: Mapping[str, Any]) -> bool:
    machine: Mapping[str, Any] = sfn._state_machines.get(execution["stateMachineArn"]) or {}
    return machine.get("type") == "EXPRESS"


def apply() -> None:
    """Add the action, what DescribeExecution says of it, and the count in the context object."""
    handle, describe, context_of = sfn.handle_request, sfn._describe_execution, executions.context_of

    async def handle_redrive_too(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return await handle(method, path, headers, body, query)
        return sfn._finalize_response(redrive(json.loads(body)))

    def describe_with_redrives(request: Mapping[str, Any]) -> Any:
        answer = describe(request)
        execution = sfn._executions.get(request.get("executionArn"))
        if execution is None:
            return answer
        return json_response({**json.loads(answer[2]), **standing(execution)})

    def context_with_redrives(
        execution: Execution, machine: Mapping[str, Any], definition: Mapping[str, Any], given: Any
    ) -> Context:
        context = context_of(execution, machine, definition, given)
        context["Execution"]["RedriveCount"] = execution.get("redriveCount", 0)
        if "redriveDate" in execution:
            context["Execution"]["RedriveTime"] = execution["redriveDate"]
        return context

    sfn.handle_request = handle_redrive_too
    sfn._describe_execution = describe_with_redrives
    executions.context_of = context_with_redrives
