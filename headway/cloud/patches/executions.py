"""The life of an execution, so that it can end from outside: by StopExecution, or by a time limit.

ministack only writes ABORTED into its record; a task that waits then waits on, its token still counts, and its thread
is freed at the end of the timeout. Here each run of an execution says when it is over, and wakes whoever waits in it.
A run begins where the execution stands, which is the first state but for one that is redriven.

What AWS refuses is built on the seams `begun` and `context_of` and on `data_text`.
"""

import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.services import stepfunctions as sfn

Definition = Mapping[str, Any]
Context = dict[str, Any]
"""The context object, which ministack also keeps other things of a run in."""
Execution = MutableMapping[str, Any]

START_DELAY_S: Final = 0.15
"""What ministack waits before the first state."""
POSITION: Final = "position"
"""Key of ministack's record of an execution: name, input and variables of the state that it has entered last."""
DEFINITION: Final = "definition"
"""Key of that record: the definition that it started with."""


class Over(Exception):  # noqa: N818 - no error: it ends the work of a run that has ended
    """The run has ended meanwhile; whoever still works for it stops."""


@dataclass(slots=True, eq=False)
class Run:
    """One run of an execution: from its start, or from a redrive, to its end."""

    execution: Execution
    over: threading.Event = field(default_factory=lambda: threading.Event())  # whatever `threading` is by then
    waiting: set[threading.Event] = field(default_factory=set)
    parts: "set[Run]" = field(default_factory=set)
    """What goes on beside one another in it: branches, items of a Map."""
    children: set[str] = field(default_factory=set)
    """ARNs of the executions that tasks of it have started, and whose ends they wait for (`.sync`)."""
    scope: contextvars.Context = field(default_factory=contextvars.copy_context)

    def in_its_context(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Do something on another thread in the account and region of this run."""
        self.scope.copy().run(work, *arguments)


_runs: Final[dict[str, Run]] = {}
_current: Final[ContextVar[Run | None]] = ContextVar("run", default=None)
_ending: Final = threading.Lock()


def begun(run: Run, definition: Definition) -> None:
    """Seam: a run begins."""


def context_of(execution: Execution, machine: Mapping[str, Any], definition: Definition, given: Any) -> Context:
    """Seam: return the context object of a run, with what ministack keeps in it besides."""
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": given,
            "Name": execution["name"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }


def data_text(state_name: str, data: Any) -> str:
    """Seam: return what a state passes on, or a task is given or gives, as JSON."""
    del state_name
    return json.dumps(data)


def go_on() -> None:
    """Raise Over where the run of this thread has ended."""
    run = _current.get()
    if run is not None and run.over.is_set():
        raise Over


@contextmanager
def woken(event: threading.Event) -> Iterator[None]:
    """Let the end of this thread's run set `event` too."""
    run = _current.get()
    if run is None:
        yield
        return
    run.waiting.add(event)
    try:
        go_on()
        yield
    finally:
        run.waiting.discard(event)


@contextmanager
def part_of_this() -> Iterator[Run | None]:
    """Be a part of this thread's run, which may end before the run does; the end of the run is its end, too."""
    whole = _current.get()
    if whole is None:
        yield None
        return
    part = Run(whole.execution)
    whole.parts.add(part)
    token = _current.set(part)
    try:
        if whole.over.is_set():  # it may not have known of this part
            raise Over
        yield part
    finally:
        _current.reset(token)
        whole.parts.discard(part)


def abandon(run: Run) -> None:
    """End a run or a part of one from outside: nobody waits in it any more, and executions that it waits for are
    stopped.

    AWS: Developer Guide, "Discover service integration patterns": a `.sync` task is aborted where its execution is
    stopped, or another branch or item has failed; for `startExecution.sync` that is StopExecution.
    """
    run.over.set()
    _wake(run)
    for part in tuple(run.parts):
        abandon(part)
    for arn in tuple(run.children):
        sfn._stop_execution({"executionArn": arn})


def end(run: Run, status: str, event: str, details: Mapping[str, Any] | None, **fields: Any) -> bool:
    """End a run, unless it has ended; the events of the history and of the bus follow. Return whether it was us."""
    with _ending:
        if run.over.is_set():
            return False
        run.execution.update(fields, status=status, stopDate=sfn.now_iso())
        run.over.set()
    sfn._add_event(run.execution, event, details)
    _wake(run)
    sfn._emit_execution_status_event(run.execution)
    return True


def run_execution(arn: str) -> None:
    """Walk an execution to its end, from where it stands."""
    execution = sfn._executions.get(arn)
    if execution is None:
        return
    run, parent = Run(execution), _waits_for(execution)
    _runs[arn] = run
    token = _current.set(run)
    if parent is not None:
        parent.children.add(arn)
        if parent.over.is_set():  # it may not have known of this child
            sfn._stop_execution({"executionArn": arn})
    try:
        time.sleep(START_DELAY_S)
        if execution["status"] == "RUNNING":
            _walk(run)
    except Over:
        pass
    except sfn._ExecutionError as error:
        _fail(run, error.error, error.cause)
    except Exception as problem:
        logging.getLogger("states").exception("Unexpected error in execution %s", arn)
        _fail(run, "States.Runtime", str(problem))
    finally:
        _current.reset(token)
        if parent is not None:
            parent.children.discard(arn)
        if _runs.get(arn) is run:
            del _runs[arn]


def _waits_for(execution: Execution) -> Run | None:
    """Return the run whose task waits for an execution; None where none does.

    ministack starts such a child as it does an execution by StartSyncExecution, which a Standard machine does not take:
    the bus is told nothing of those, and of this it has to be.
    """
    machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
    if not execution.get("sync") or machine.get("type") == "EXPRESS":
        return None
    del execution["sync"]
    return _current.get()


def _walk(run: Run) -> None:
    execution = run.execution
    machine = sfn._state_machines.get(execution["stateMachineArn"])
    if machine is None:
        raise sfn._ExecutionError("StateMachineDeleted", "State machine no longer exists")
    try:
        definition = json.loads(execution.setdefault(DEFINITION, machine["definition"]))
    except json.JSONDecodeError:
        raise sfn._ExecutionError("InvalidDefinition", "Could not parse state machine definition") from None
    try:
        given = json.loads(execution["input"])
    except json.JSONDecodeError:
        given = {}
    context = context_of(execution, machine, definition, given)
    name, data, variables = execution.get(POSITION) or (definition.get("StartAt"), given, {})
    context["variables"].update(variables)
    states = definition.get("States", {})
    if name not in states:
        raise sfn._ExecutionError("InvalidDefinition", f"StartAt state '{name}' not found")
    begun(run, definition)
    while name:
        go_on()
        execution[POSITION] = (name, data, dict(context["variables"]))
        name, data = pass_state(execution, states, name, data, context)
    output = data_text("", data)
    end(run, "SUCCEEDED", "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": output}}, output=output)


def pass_state(
    execution: Execution, states: Mapping[str, Any], name: str, data: Any, context: Context
) -> tuple[str | None, Any]:
    """Go through one state; return the name of the next, and what it is given."""
    if (state := states.get(name)) is None:
        raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
    context["State"] = {"Name": name, "EnteredTime": sfn.now_iso(), "RetryCount": 0}
    kind = state.get("Type")
    entered = {"name": name, "input": json.dumps(data)}
    sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
    following: str | None = None
    if kind == "Succeed" and sfn._state_query_language(state, context) == "JSONata":
        data = sfn._apply_jsonata_output(state, data, context, default=data)
    elif kind == "Succeed":
        data = sfn._apply_output_path(state, sfn._apply_input_path(state, data, context), context)
    elif kind == "Fail":
        raise sfn._ExecutionError(*sfn._fail_state_error(state, data, context))
    elif kind in ("Task", "Parallel", "Map"):
        handler = {"Task": sfn._execute_task, "Parallel": sfn._execute_parallel, "Map": sfn._execute_map}[kind]
        data, following = handler(state, data, execution, context)
    elif kind in ("Pass", "Choice", "Wait"):
        plain = {"Pass": sfn._execute_pass, "Choice": sfn._execute_choice, "Wait": sfn._execute_wait}[kind]
        data, following = plain(state, data, context)
    else:
        raise sfn._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    left = {"name": name, "output": data_text(name, data)}
    sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": left})
    return following, data


def _fail(run: Run, error: str, cause: str) -> None:
    details = {"executionFailedEventDetails": {"error": error, "cause": cause}}
    output = json.dumps({"Error": error, "Cause": cause})
    end(run, "FAILED", "ExecutionFailed", details, error=error, cause=cause, output=output)


def _wake(run: Run) -> None:
    for event in tuple(run.waiting):
        event.set()
    for part in tuple(run.parts):
        part.over.set()
        _wake(part)


def apply() -> None:
    """Replace the walk through a machine, and let StopExecution, waits and the history know of its end."""
    stop, add_event = sfn._stop_execution, sfn._add_event

    def stop_and_wake(request: Mapping[str, Any]) -> Any:
        run = _runs.get(request.get("executionArn", ""))
        if run is None:
            return stop(request)
        with _ending:
            ours = not run.over.is_set()
            run.over.set()
        answer = stop(request)
        if ours:
            abandon(run)
        return answer

    def sleep(seconds: float) -> None:
        run, scaled_s = _current.get(), seconds * sfn._SFN_WAIT_SCALE
        if run is None:
            time.sleep(max(scaled_s, 0))
        elif run.over.wait(max(scaled_s, 0)):
            raise Over

    def add_event_of_a_run_that_is_not_over(execution: Execution, event: str, details: Any = None) -> Any:
        run = _current.get()
        if run is not None and run.over.is_set() and not event.startswith("Execution"):
            raise Over
        return add_event(execution, event, details)

    sfn._run_execution = run_execution
    sfn._stop_execution = stop_and_wake
    sfn._scaled_sleep = sleep
    sfn._add_event = add_event_of_a_run_that_is_not_over
