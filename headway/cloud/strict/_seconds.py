"""A number of seconds in a Task state: a number, a JSONata expression, or a path to one."""

from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sfn


def seconds_of(field: str, state: Mapping[str, Any], data: Any, context: dict[str, Any]) -> float | None:
    """Return the seconds of `field` or of its `Path`; None where the state has neither.

    Raises States.Runtime or States.QueryEvaluationError for what is no positive whole number.
    """
    path = state.get(f"{field}Path")
    if path is not None:
        seconds = sfn._resolve_path_or_ctx(path, sfn._apply_input_path(state, data, context), context)
    elif isinstance(state.get(field), str):
        seconds = sfn._jsonata_state_field(state, field, "number", data, context)
    else:
        seconds = state.get(field)
        if seconds is None:
            return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0 or seconds % 1:
        raise sfn._ExecutionError("States.Runtime", f"{field} must be a positive whole number, but was: {seconds}")
    return float(seconds)
