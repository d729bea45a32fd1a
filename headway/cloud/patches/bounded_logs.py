"""What the emulator writes down as it goes has an end: log streams, log lines, metric points, and events of the bus.

On AWS each has a retention, of days at least. ministack keeps all of it for good: every invocation has a log stream of
its own, 2 KB, and a call makes four or five. The newest stay.
"""

from collections.abc import Callable, MutableMapping
from typing import Any, Final

from ministack.services import cloudwatch, cloudwatch_logs, eventbridge, lambda_svc

STREAMS_KEPT_COUNT: Final = 300
"""Of each log group, by their first line."""
LINES_KEPT_COUNT: Final = 10_000
"""Of each log stream."""
POINTS_KEPT_COUNT: Final = 10_000
"""Of each metric: a week of minutes."""
EVENTS_KEPT_COUNT: Final = 300
"""Of all buses; nothing reads them but a snapshot of the emulator's state. Archives are apart."""
SLACK: Final = 1.25
"""How far a list grows above its bound before it is cut, so that not every entry moves all others."""


def cut(entries: list[Any], kept_count: int) -> list[Any]:
    """Drop the oldest entries of a list where it is longer than its bound and some slack; return the list."""
    if len(entries) > kept_count * SLACK:
        del entries[:-kept_count]
    return entries


def cut_mapping(entries: MutableMapping[str, Any], kept_count: int) -> None:
    """Drop the oldest entries of a mapping likewise, in the order in which they came."""
    if len(entries) > kept_count * SLACK:
        for name in list(entries)[:-kept_count]:
            entries.pop(name, None)


def apply() -> None:
    """Cut where something is added."""
    append_lines, bucket, events_of = (
        cloudwatch_logs._append_log_events,
        cloudwatch._metric_bucket,
        eventbridge._events_log_list,
    )

    def append_and_cut(stream: Any, lines: Any, *rest: Any, **options: Any) -> Any:
        answer = append_lines(stream, lines, *rest, **options)
        cut(stream["events"], LINES_KEPT_COUNT)
        return answer

    cloudwatch_logs._append_log_events = append_and_cut
    cloudwatch._metric_bucket = lambda key: cut(bucket(key), POINTS_KEPT_COUNT)
    eventbridge._events_log_list = lambda: cut(events_of(), EVENTS_KEPT_COUNT)
    lambda_svc._emit_lambda_logs = _cutting(lambda_svc._emit_lambda_logs)


def _cutting(write: Callable[..., Any]) -> Callable[..., Any]:
    def write_and_cut(function: Any, *rest: Any, **options: Any) -> Any:
        answer = write(function, *rest, **options)
        config = function.get("config") or function
        chosen = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = cloudwatch_logs._log_groups.get(chosen or f"/aws/lambda/{config.get('FunctionName')}")
        if group is not None:
            cut_mapping(group["streams"], STREAMS_KEPT_COUNT)
        return answer

    return write_and_cut
