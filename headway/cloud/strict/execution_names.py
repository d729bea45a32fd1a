"""An execution's name is unique in its machine for 90 days after its end, and the same start twice is one start.

AWS: API reference, StartExecution: with name and input of a running execution it answers as it did the first time;
after its end, or with another input, ExecutionAlreadyExists; Express machines do not mind. A name has at most 80
characters, and none of a list. ministack refuses every second start, for ever and for Express too, and takes any name.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import stepfunctions as sfn

KEPT: Final = timedelta(days=90)
LONGEST: Final = 80
"""Characters; botocore's model, shape Name."""
FORBIDDEN: Final = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]')
"""White space, brackets, wildcards, special, control and invalid characters; API reference, StartExecution, `name`."""

Start = Callable[[Mapping[str, Any]], Any]


def refusal_of(name: str) -> tuple[str, str] | None:
    """Return the error's code and words for a name that AWS does not take; None for a good one."""
    if not 1 <= len(name) <= LONGEST:
        bound = f"less than or equal to {LONGEST}" if name else "greater than or equal to 1"
        words = f"Value '{name}' at 'name' failed to satisfy constraint: Member must have length {bound}"
        return "ValidationException", f"1 validation error detected: {words}"
    return ("InvalidName", f"Invalid Name: '{name}'") if FORBIDDEN.search(name) else None


def is_free(execution: Mapping[str, Any], now: datetime) -> bool:
    """Return whether the name of an execution may be used again."""
    ended = execution.get("stopDate")
    return ended is not None and now - datetime.fromisoformat(ended.replace("Z", "+00:00")) > KEPT


def _minding_names(start: Start) -> Start:
    def start_once(request: Mapping[str, Any]) -> Any:
        name = request.get("name")
        if name is None:
            return start(request)
        if refused := refusal_of(name):
            return error_response_json(*refused, 400)
        machine_arn = sfn._resolve_state_machine_arn(request.get("stateMachineArn", "").partition("#")[0])
        machine = sfn._state_machines.get(machine_arn) if machine_arn else None
        if machine is None:
            return start(request)
        arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine['name']}:{name}"
        earlier = sfn._executions.get(arn)
        if earlier is None:
            return start(request)
        if machine.get("type") == "EXPRESS" or is_free(earlier, datetime.now(UTC)):
            del sfn._executions[arn]
            return start(request)
        if earlier["status"] == "RUNNING" and earlier["input"] == request.get("input", "{}"):
            return json_response({"executionArn": arn, "startDate": earlier["startDate"]})
        return error_response_json("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'", 400)

    return start_once


def apply() -> None:
    """Mind names where executions start; a synchronous start is always Express."""
    sfn._start_execution = _minding_names(sfn._start_execution)
