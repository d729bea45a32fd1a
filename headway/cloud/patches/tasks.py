"""A task's attempts and its wait for a callback, in parts that what AWS refuses can be built on.

They behave as ministack's do, but for three things that it hides: a task that took too long has TaskTimedOut in its
history, not TaskFailed; branches of a Parallel state do not write over each other's tokens; and the end of the run ends
the wait. The seams are `next_token`, `timeout_s_of`, `heartbeat_s_of`, `heartbeat_missed` and `delay_s`.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from ministack.services import stepfunctions as sfn

from headway.cloud.patches import executions
from headway.cloud.patches.executions import Context, Execution

State = Mapping[str, Any]
Waiting = dict[str, Any]
"""ministack's entry of a token that is waited for: `event`, `result`, `error`, and ours: `beat_s`, `settled_by`."""

BEAT_S: Final = "beat_s"
"""Key of the last sign of life, on the monotonic clock."""
SETTLED_BY: Final = "settled_by"
"""Key of who settled it first: a callback or the clock."""
CALLBACK: Final = ".waitForTaskToken"
TIMEOUT: Final = "States.Timeout"


def now_s() -> float:
    """Return the time on the clock of heartbeats."""
    return time.monotonic()


def next_token(previous: str | None) -> str:
    """Seam: return the token of an attempt; `previous` is the one of the attempt before. ministack keeps it."""
    return previous or str(sfn.new_uuid())


def timeout_s_of(state: State, data: Any, context: Context) -> float | None:
    """Seam: return a task's time limit in seconds; None where it has none."""
    del data, context
    limit = state.get("TimeoutSeconds")
    return limit if isinstance(limit, int | float) else None


def heartbeat_s_of(state: State, data: Any, context: Context) -> float | None:
    """Seam: return the longest time between two signs of life in seconds; None where there is none."""
    del state, data, context
    return None


def heartbeat_missed() -> Exception:
    """Seam: return what a task fails with that gave no sign of life."""
    problem: Exception = sfn._ExecutionError(TIMEOUT, "")
    return problem


def delay_s(retrier: Mapping[str, Any], count: int) -> float:
    """Seam: return the seconds before the next attempt; `count` is how often this retrier has been used."""
    delay: float = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** count
    return min(delay, 60)


def with_retry_and_catch(state: State, data: Any, context: Context, attempt: Callable[[], Any]) -> Any:
    """Try until it succeeds, or no retrier is left; then go to the catcher. Raises what nobody catches."""
    entered, counts = context["State"], dict[int, int]()
    while True:
        # Branches leave their own State in a context that they share.
        context["State"] = {**entered, "RetryCount": sum(counts.values())}
        try:
            return attempt()
        except sfn._ExecutionError as error:
            executions.go_on()
            retrier, index = sfn._find_matching_retrier(state.get("Retry", []), error.error, counts)
            if retrier is not None:
                sfn._scaled_sleep(delay_s(retrier, counts.get(index, 0)))
                counts[index] = counts.get(index, 0) + 1
                continue
            catcher = sfn._find_matching_catcher(state.get("Catch", []), error.error)
            if catcher is None:
                raise
            told = {"Error": error.error, "Cause": error.cause}
            language = sfn._state_query_language(state, context)
            return sfn._apply_catcher(catcher, data, context, language, told), catcher["Next"]


def execute_task(state: State, data: Any, execution: Execution, context: Context) -> Any:
    """Go through a Task state: its output, and the name of the next state."""
    script = _scripted(execution, context)
    if script is not None and "Throw" not in script:
        return _leave(state, data, context, script.get("Return", {}))
    token: str | None = None

    def attempt() -> Any:
        nonlocal token
        executions.go_on()
        if CALLBACK in state.get("Resource", ""):
            token = next_token(token)
            context["Task"] = {"Token": token}
        return _attempt(state, data, execution, context, token, script)

    return with_retry_and_catch(state, data, context, attempt)


def _attempt(
    state: State, data: Any, execution: Execution, context: Context, token: str | None, script: Mapping[str, Any] | None
) -> Any:
    try:
        return _attempted(state, data, execution, context, token, script)
    except sfn._ExecutionError as error:
        details = {"error": error.error, "cause": error.cause, "resource": state.get("Resource", "")}
        if error.error == TIMEOUT:
            sfn._add_event(execution, "TaskTimedOut", {"taskTimedOutEventDetails": details})
        else:
            sfn._add_event(execution, "TaskFailed", {"taskFailedEventDetails": details})
        raise


def _attempted(
    state: State, data: Any, execution: Execution, context: Context, token: str | None, script: Mapping[str, Any] | None
) -> Any:
    resource, name = state.get("Resource", ""), context["State"]["Name"]
    if sfn._state_query_language(state, context) == "JSONata":
        given = sfn._apply_jsonata_arguments(state, data, context)
    else:
        given = sfn._apply_parameters(state, sfn._apply_input_path(state, data, context), context)
    executions.data_text(name, given)
    scheduled = {"resourceType": "lambda" if "lambda" in resource else "states", "resource": resource}
    sfn._add_event(execution, "TaskScheduled", {"taskScheduledEventDetails": scheduled})
    if script is not None:
        thrown = script["Throw"]
        raise sfn._ExecutionError(thrown.get("Error", "MockError"), thrown.get("Cause", "Mocked failure"))
    result = _call(state, data, given, context, token)
    succeeded = {"output": executions.data_text(name, result), "resource": resource}
    sfn._add_event(execution, "TaskSucceeded", {"taskSucceededEventDetails": succeeded})
    output, following = _leave(state, data, context, result)
    executions.data_text(name, output)
    return output, following


def _call(state: State, data: Any, given: Any, context: Context, token: str | None) -> Any:
    resource, timeout_s = state.get("Resource", ""), timeout_s_of(state, data, context)
    if token is not None:
        return call_back(resource, given, token, timeout_s, heartbeat_s_of(state, data, context))
    # An activity's timeout starts when a worker takes it, not here.
    if timeout_s is not None and ":activity:" not in resource:
        return sfn._invoke_resource_with_timeout(resource, given, timeout_s)
    return sfn._invoke_resource(resource, given)


def call_back(resource: str, given: Any, token: str, timeout_s: float | None, heartbeat_s: float | None) -> Any:
    """Make a task's call and wait for its token; return what the callback brought, or raise what it said."""
    start_s = now_s()
    waiting: Waiting = {"event": threading.Event(), "result": None, "error": None, "heartbeat": None, BEAT_S: start_s}
    sfn._task_tokens[token] = waiting
    try:
        with executions.woken(waiting["event"]):
            _send(resource, given)
            _await(waiting, None if timeout_s is None else start_s + timeout_s, heartbeat_s)
        executions.go_on()
    finally:
        sfn._task_tokens.pop(token, None)
    if waiting["error"]:
        raise sfn._ExecutionError(waiting["error"].get("Error", "TaskFailed"), waiting["error"].get("Cause", ""))
    result = waiting["result"]
    try:
        return json.loads(result) if isinstance(result, str) else result
    except json.JSONDecodeError:
        return result


def _send(resource: str, given: Any) -> None:
    """Make the call that carries the token; ministack does not mind what a function says that has it."""
    plain = resource.replace(CALLBACK, "")
    function = sfn._extract_lambda_ref(plain)
    if not function and "states:::lambda:invoke" in plain:
        function = sfn._resolve_lambda_function_ref(given.get("FunctionName", ""), optimized=True)
    if not function:
        sfn._invoke_resource(plain, given)
        return
    with suppress(sfn._ExecutionError):
        sfn._call_lambda(function, given.get("Payload", given) if isinstance(given, dict) else given)


def _await(waiting: Waiting, end_s: float | None, heartbeat_s: float | None) -> None:
    """Wait until the token is settled. Raises the timeout, or the missed heartbeat, whichever is first."""
    while True:
        beat_end_s = None if heartbeat_s is None else waiting[BEAT_S] + heartbeat_s
        limits = [limit for limit in (end_s, beat_end_s) if limit is not None]
        left_s = max(0.0, min(limits) - now_s()) if limits else None
        if waiting["event"].wait(left_s):
            return
        woken_s = now_s()
        timed_out = end_s is not None and woken_s >= end_s
        if not timed_out and (heartbeat_s is None or woken_s < waiting[BEAT_S] + heartbeat_s):
            continue  # it has beaten meanwhile
        if waiting.setdefault(SETTLED_BY, TIMEOUT) == TIMEOUT:
            raise sfn._ExecutionError(TIMEOUT, "") if timed_out else heartbeat_missed()
        end_s = heartbeat_s = None  # the callback was first, and is about to say so


def _leave(state: State, data: Any, context: Context, result: Any) -> Any:
    """Return a task's output and the name of the next state."""
    if sfn._state_query_language(state, context) == "JSONata":
        output = sfn._apply_jsonata_output(state, data, context, result=result, default=result)
        sfn._apply_state_assign(state, data, context, result=result)
    else:
        output = sfn._apply_result_path(state, data, sfn._apply_result_selector(state, result))
        output = sfn._apply_output_path(state, output, context)
    return output, sfn._next_or_end(state)


def _scripted(execution: Execution, context: Context) -> Mapping[str, Any] | None:
    """Return ministack's scripted answer for this entry into a state; None where none is scripted."""
    if not sfn._sfn_mock_config or not execution:
        return None
    machine, state = context.get("StateMachine", {}).get("Name", ""), context["State"]["Name"]
    attempts = execution.get("mockAttempts", {})
    script: Mapping[str, Any] | None = sfn._get_mock_response(
        machine, execution.get("testCase", ""), state, attempts.get(state, 0)
    )
    if script is not None:
        attempts[state] = attempts.get(state, 0) + 1
    return script


def apply() -> None:
    """Replace ministack's attempts and waits, and give each branch a context of its own."""
    run_branch = sfn._run_sub_machine

    def run_branch_apart(states: Any, start: str, data: Any, execution: Execution, context: Context) -> Any:
        return run_branch(states, start, data, execution, {**context})

    sfn._execute_task = execute_task
    sfn._with_retry_and_catch = with_retry_and_catch
    sfn._run_sub_machine = run_branch_apart
