"""Functions tell CloudWatch of every invocation, and their metric lines become metrics; ministack does little of it.

AWS/Lambda with the dimension FunctionName: Invocations, Errors, Duration, Throttles, whoever invoked (Lambda developer
guide, "Types of metrics for Lambda functions"; a throttled request is neither an invocation nor an error). ministack
counts what comes by the Invoke API, not by queues and machines. A line in the embedded metric format ("Specification:
Embedded metric format" of CloudWatch) becomes one value for each of its metrics and sets of dimensions.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ministack.services import lambda_svc

from headway.cloud.strict._minutes import MINUTES

NAMESPACE: Final = "AWS/Lambda"
MARK: Final = '"_aws"'
"""In every line of the embedded metric format, and in few others."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a metric line."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    value: float
    unit: str


def values_of(log: str) -> Iterator[Value]:
    """Yield what the metric lines of a log say; lines that are none are passed over, as CloudWatch does."""
    if MARK not in log:
        return
    for line in log.splitlines():
        if MARK in line:
            # A line of somebody's making must not break the invocation that wrote it.
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                yield from list(_values_of_line(line))


def _values_of_line(line: str) -> Iterator[Value]:
    document: Any = json.loads(line)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        metrics = [metric for metric in directive["Metrics"] if metric["Name"] in document]
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in metrics:
                found = document[metric["Name"]]
                for value in found if isinstance(found, list) else [found]:
                    yield Value(
                        directive["Namespace"], metric["Name"], dimensions, float(value), metric.get("Unit", "None")
                    )


def apply() -> None:
    """Count where ministack writes an invocation's log, which every way of invoking passes."""
    write = lambda_svc._emit_lambda_logs

    def write_counted(
        function: dict[str, Any], request_id: str, log: str, error: bool, duration_ms: int, **more: Any
    ) -> None:
        write(function, request_id, log, error, duration_ms, **more)
        dimensions = {"FunctionName": (function.get("config") or function)["FunctionName"]}
        MINUTES.count(NAMESPACE, "Invocations", dimensions, 1, "Count")
        MINUTES.count(NAMESPACE, "Errors", dimensions, float(error), "Count")
        MINUTES.count(NAMESPACE, "Duration", dimensions, duration_ms, "Milliseconds")
        for value in values_of(log):
            MINUTES.count(value.namespace, value.metric, value.dimensions, value.value, value.unit)

    def count_throttles(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        del error
        if throttle and not duration_ms:  # a throttled Invoke comes here a second time, with a duration
            MINUTES.count(NAMESPACE, "Throttles", {"FunctionName": name}, 1, "Count")

    lambda_svc._emit_lambda_logs = write_counted
    lambda_svc._emit_lambda_metrics = count_throttles
    MINUTES.tick()
