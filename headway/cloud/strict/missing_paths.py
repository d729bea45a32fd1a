"""A path in Parameters or ResultSelector that leads nowhere fails the execution.

AWS: recorded in localstack's snapshots as States.Runtime with "The JSONPath '...' specified for the field '...' could
not be found in the input"; Amazon States Language, "Payload template". ministack puts null there.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sfn


def leads_nowhere(path: str, data: Any) -> bool:
    """Return whether a reference path finds nothing; one with a wildcard finds a list, and that may be empty."""
    tokens = sfn._parse_jsonpath_tokens(path) if path != "$" else []
    if tokens is None or any(kind == "wildcard" for kind, _ in tokens):
        return False
    for kind, step in tokens:
        holder = dict if kind == "field" else list
        if not isinstance(data, holder) or not (step in data if kind == "field" else step < len(data)):
            return True
        data = data[step]
    return False


def _mind(template: Any, data: Any, context: Mapping[str, Any] | None) -> None:
    if isinstance(template, list):
        for each in template:
            _mind(each, data, context)
    if not isinstance(template, dict):
        return
    for key, value in template.items():
        if not key.endswith(".$"):
            _mind(value, data, context)
        elif isinstance(value, str) and value.startswith("$"):
            path, source = (value[1:], context or {}) if value.startswith("$$") else (value, data)
            if leads_nowhere(path, source):
                where = f"The JSONPath '{value}' specified for the field '{key}' could not be found in the input"
                raise sfn._ExecutionError("States.Runtime", f"{where} '{json.dumps(source, default=str)}'")


def apply() -> None:
    """Look at a template's paths before ministack fills it."""
    parameters, selector = sfn._apply_parameters, sfn._apply_result_selector

    def minded_parameters(state: Mapping[str, Any], data: Any, context: Any = None) -> Any:
        _mind(state.get("Parameters"), data, context)
        return parameters(state, data, context)

    def minded_selector(state: Mapping[str, Any], data: Any) -> Any:
        _mind(state.get("ResultSelector"), data, None)
        return selector(state, data)

    sfn._apply_parameters = minded_parameters
    sfn._apply_result_selector = minded_selector
