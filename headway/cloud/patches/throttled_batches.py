"""A batch of messages whose invocation is throttled is tried again while its messages are out of sight.

AWS: "Lambda continues to retry the message until the message's timestamp exceeds your queue's visibility timeout"
(Lambda developer guide, "Understanding error handling for an SQS event source", backoff strategy for failed
invocations): what the function itself fails is not tried again. ministack drops either kind, and the messages are out
of sight until their timeout: minutes, where a burst took the account's concurrency for a moment.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final

from ministack.services import lambda_svc

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
"""Ours: AWS says that it backs off, not how."""

Result = Mapping[str, Any]
_out_of_sight_until_s: Final[ContextVar[float | None]] = ContextVar("out_of_sight_until_s", default=None)


def persistent(
    invoke: Callable[[], Result],
    until_s: float,
    now_s: Callable[[], float] = time.time,
    sleep_s: Callable[[float], None] = time.sleep,
) -> Result:
    """Invoke until it is not throttled, or would be tried again at `until_s` or later; return the last result. Pauses
    double from FIRST_PAUSE_S up to LONGEST_PAUSE_S, and half of each is random.
    """
    pause_s = FIRST_PAUSE_S
    while (result := invoke()).get("throttle"):
        pause_s = min(pause_s, LONGEST_PAUSE_S)
        this_s = pause_s * random.uniform(0.5, 1)  # noqa: S311 - no secret
        if now_s() + this_s >= until_s:
            break
        sleep_s(this_s)
        pause_s *= 2
    return result


def apply() -> None:
    """Let batches of queues be persistent; whoever else invokes a function is told of a throttle at once."""
    run_batch, execute = lambda_svc._run_sqs_batch, lambda_svc._execute_function

    def run_batch_persistently(
        mapping: Any, function: Any, event: Any, batch: Sequence[Mapping[str, Any]], *rest: Any
    ) -> Any:
        last_s = max(message["visible_at"] for message in batch)  # one that is to come twice is in sight at once
        token = _out_of_sight_until_s.set(last_s)
        try:
            return run_batch(mapping, function, event, batch, *rest)
        finally:
            _out_of_sight_until_s.reset(token)

    def execute_persistently(function: Any, event: Any) -> Any:
        until_s = _out_of_sight_until_s.get()
        return execute(function, event) if until_s is None else persistent(lambda: execute(function, event), until_s)

    lambda_svc._run_sqs_batch = run_batch_persistently
    lambda_svc._execute_function = execute_persistently
