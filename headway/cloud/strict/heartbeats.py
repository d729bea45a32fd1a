"""A callback task that gives no sign of life within HeartbeatSeconds fails; SendTaskHeartbeat restarts the clock.

AWS: Developer Guide, "Task state fields" and "Handling errors": a missed heartbeat is States.Timeout, which Retry and
Catch may name States.HeartbeatTimeout too; the history says TaskTimedOut with States.Timeout and no cause.
HeartbeatSecondsPath and JSONata give the seconds too. ministack notes heartbeats and minds none.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from ministack.services import stepfunctions as sfn

from headway.cloud.patches import tasks
from headway.cloud.strict._seconds import seconds_of

NAME_TO_CATCH: Final = "States.HeartbeatTimeout"


class MissedHeartbeat(str):
    """The error's name, which AWS tells as States.Timeout and catches by another name too."""

    __slots__ = ()


def matches_heartbeat(error_equals: Collection[str], error: str) -> bool:
    """Return whether a retrier or catcher names a missed heartbeat, and the error is one."""
    return NAME_TO_CATCH in error_equals and isinstance(error, MissedHeartbeat)


def apply() -> None:
    """Let tasks have a heartbeat, and let it be named where errors are caught."""
    beat, matches = sfn._send_task_heartbeat, sfn._error_matches

    def beat_and_restart(request: Mapping[str, Any]) -> Any:
        waiting = sfn._task_tokens.get(request.get("taskToken"))
        if waiting is not None:
            waiting[tasks.BEAT_S] = tasks.now_s()
        return beat(request)

    def matches_by_either_name(error_equals: Collection[str], error: str) -> bool:
        return matches_heartbeat(error_equals, error) or matches(error_equals, error)

    def heartbeat_s_of(state: Mapping[str, Any], data: Any, context: dict[str, Any]) -> float | None:
        return seconds_of("HeartbeatSeconds", state, data, context)

    def heartbeat_missed() -> Exception:
        problem: Exception = sfn._ExecutionError(MissedHeartbeat(tasks.TIMEOUT), "")
        return problem

    sfn._send_task_heartbeat = beat_and_restart
    sfn._error_matches = matches_by_either_name
    tasks.heartbeat_s_of = heartbeat_s_of
    tasks.heartbeat_missed = heartbeat_missed
