"""A machine under test: what the fixture `workflow_test` makes, in a scripted world on a virtual clock."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from headway_cdk.configuration import ConfigurationError
from headway_cdk.project import Project, find

from headway.testing.kit.binding import BoundMachine, bound_machine, bound_workflow, read
from headway.testing.kit.interpreter import INVOKING, RUNNING, Interpreter, RequestRefused, TaskCall, World, arn_of
from headway.testing.kit.lane import ScriptedVendor
from headway.testing.kit.run import WorkflowRun, run_of
from headway.testing.kit.scripts import Course, NotScripted, ScriptedCall, ScriptedTask, StateCall, TaskAnswer, call_of
from headway.testing.virtual_modules import US_PER_S
from headway.testing.virtual_threads import VirtualThreads

LONGEST_S: Final = 365 * 24 * 3_600
"""A Standard execution lives a year at most (Step Functions quotas)."""
STARTING: Final = "states:startExecution"

Interpreting = Callable[[VirtualThreads, World], AbstractContextManager[Interpreter]]
Workflow = str | Path | Mapping[str, Any]


class WorkflowTest:
    """One machine, and the words for what it asks for. `run` may be called more than once: time goes on."""

    def __init__(self, machine: BoundMachine, threads: VirtualThreads) -> None:
        self._bound, self._threads = machine, threads
        self._interpreter: Interpreter
        self._course = Course(threads, lambda *arguments, **words: self._interpreter.settle(*arguments, **words))
        self._vendors = {name: ScriptedVendor(lane.vendor, self._course) for name, lane in machine.lanes.items()}
        self._queues: dict[str, tuple[ScriptedVendor, Callable[[TaskCall], None]]] = {}
        for name, lane in machine.lanes.items():
            vendor = self._vendors[name]
            self._queues |= {
                lane.urgent_queue.value: (vendor, partial(vendor.ask, urgent=True)),
                lane.request_queue.value: (vendor, partial(vendor.ask, urgent=False)),
                lane.results_queue.value: (vendor, vendor.fetch),
            }
        self._services: dict[str, ScriptedCall] = {}
        self._functions: dict[str, ScriptedCall] = {}
        self._states: dict[str, ScriptedCall] = {}
        self._tasks: dict[str, ScriptedTask] = {}
        self._machines: dict[str, str] = {}
        self._added: list[Mapping[str, Any]] = []
        self._calls: list[StateCall] = []
        self._number = 0

    @property
    def definition(self) -> Any:
        """The machine as it would be deployed, with names of no account."""
        return self._bound.definition

    def vendor(self, name: str) -> ScriptedVendor:
        """Return the words for a vendor that the machine calls."""
        if name not in self._vendors:
            there = ", ".join(self._vendors) or "none"
            raise ConfigurationError(f"{self._bound.name} calls no vendor {name!r}; of the project's it calls {there}")
        return self._vendors[name]

    def function(self, name: str) -> ScriptedCall:
        """Return the words for a Lambda function, by the last part of its ARN."""
        return self._functions.setdefault(name, ScriptedCall(self._course))

    def service(self, action: str) -> ScriptedCall:
        """Return the words for an action as its `Resource` ends: `dynamodb:putItem`, `aws-sdk:s3:putObject`."""
        return self._services.setdefault(action, ScriptedCall(self._course))

    def state(self, name: str) -> ScriptedCall:
        """Return the words for what a state asks for; they go before those for functions and services."""
        return self._states.setdefault(name, ScriptedCall(self._course))

    def task(self, state: str) -> ScriptedTask:
        """Return the words for a callback task, by its state; they go before those for a vendor."""
        return self._tasks.setdefault(state, ScriptedTask(self._course))

    def machine(self, name: str, definition: Mapping[str, Any]) -> str:
        """Add a machine that this one starts; return its ARN."""
        self._added.append(definition)
        self._do(lambda: self._create(name, definition))
        return arn_of(f"stateMachine:{name}")

    def run(self, given: Any, *, name: str | None = None, longest_s: float = LONGEST_S) -> WorkflowRun:
        """Start an execution with this input, and let time pass to its end and to the last callback promised."""
        return self.finish(self.start(given, name=name), longest_s=longest_s)

    def start(self, given: Any, *, name: str | None = None) -> str:
        """Start an execution and let happen what happens at once; return its ARN."""
        self._number += 1
        self._calls.clear()
        self._course.zero_us = self._threads.now_us
        wanted = name or f"run-{self._number}"
        started: list[str] = []

        def begin() -> None:
            if self._bound.name not in self._machines:
                for lane in self._bound.lanes.values():
                    self._create(lane.machine_name, lane.machine)
                self._create(self._bound.name, self._bound.definition)
            started.append(self._interpreter.start(self._machines[self._bound.name], wanted, json.dumps(given)))

        self._check_words()
        self._do(begin)
        self.advance(0)
        return started[0]

    def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        end_us = self._threads.now_us + round(seconds * US_PER_S)
        self._pass(end_us, None)
        self._threads.now_us = end_us

    def finish(self, execution_arn: str, *, longest_s: float = LONGEST_S) -> WorkflowRun:
        """Let time pass until an execution has ended and no callback is promised any more; tell what became of it."""

        def done() -> bool:
            return self._interpreter.outcome(execution_arn).status != RUNNING and not self._course.promised_count

        self._pass(self._threads.now_us + round(longest_s * US_PER_S), done)
        outcome, history = self._interpreter.outcome(execution_arn), self._interpreter.history(execution_arn)
        return run_of(outcome, history, self._calls)

    def answer(self, state: str, *, output: Any = None, error: str | None = None, cause: str = "") -> TaskAnswer:
        """Tell the callback task of a state that waits since its last call: an output, or an error with its cause."""
        task = self._tasks[state]
        words = {"output": json.dumps(output)} if error is None else {"error": error, "cause": cause}
        told = "success" if error is None else "failure"
        self._do(lambda: self._course.tell(task.callbacks, told, task.tokens[-1], **words))
        self.advance(0)
        return task.callbacks[-1]

    def heartbeat(self, state: str) -> TaskAnswer:
        """Tell the callback task of a state that something goes on."""
        task = self._tasks[state]
        self._do(lambda: self._course.tell(task.callbacks, "heartbeat", task.tokens[-1]))
        return task.callbacks[-1]

    def stop(self, execution_arn: str) -> None:
        """Stop an execution."""
        self._do(lambda: self._interpreter.stop(execution_arn))
        self.advance(0)

    def redrive(self, execution_arn: str) -> None:
        """Let an execution that has failed go on. Raises RequestRefused where the interpreter cannot."""
        self._do(lambda: self._interpreter.redrive(execution_arn))
        self.advance(0)

    def _check_words(self) -> None:
        """Refuse words for states that no machine has: they would never be about anything."""
        definitions = [self._bound.definition, *self._added, *(lane.machine for lane in self._bound.lanes.values())]
        there = {name for definition in definitions for name in _state_names(definition)}
        for name in (*self._states, *self._tasks):
            if name not in there:
                raise ConfigurationError(
                    f"{self._bound.name} has no state {name!r}; there is {', '.join(sorted(there))}"
                )

    def _create(self, name: str, definition: Any) -> None:
        try:
            self._machines[name] = self._interpreter.create(name, definition)
        except RequestRefused as refused:
            raise ConfigurationError(f"{name}: {refused}") from refused

    def _do(self, action: Callable[[], Any]) -> None:
        """Do something that may wait, at once."""
        problems: list[Exception] = []

        def act() -> None:
            try:
                action()
            except Exception as problem:
                problems.append(problem)

        self._threads.start(self._threads.now_us, act)
        self._pass(self._threads.now_us, None)
        if problems:
            raise problems[0]

    def _pass(self, until_us: int, done: Callable[[], bool] | None) -> None:
        missing = ""
        try:
            self._threads.run_until(until_us, done)
        except NotScripted as problem:
            missing = str(problem)
        if missing:
            pytest.fail(missing, pytrace=False)

    def _answer(self, asked: TaskCall) -> Any:
        """Be the world: answer one call of a task."""
        self._calls.append(call_of(asked, self._course))
        if asked.token is None:
            return self._answer_call(asked)
        if (task := self._tasks.get(asked.state)) and task.has_words:
            task.answer(asked)
        elif asked.arguments.get("QueueUrl") in self._queues:
            vendor, handle = self._queues[asked.arguments["QueueUrl"]]
            if not vendor.has_words:
                raise NotScripted(_advice(asked, f'.vendor("{vendor.name}").answers({{...}})'))
            handle(asked)
        else:
            raise NotScripted(_advice(asked, f'.task("{asked.state}").succeeds({{...}})'))
        return {"MessageId": f"message-{len(self._calls)}"}

    def _answer_call(self, asked: TaskCall) -> Any:
        if (script := self._states.get(asked.state)) and script.has_words:
            return script.answer(asked)
        if asked.action.startswith(STARTING):
            return None
        if asked.action == INVOKING:
            name = str(asked.arguments["FunctionName"]).rpartition(":")[2]
            script, advice = self._functions.get(name), f'.function("{name}").returns({{...}})'
        else:
            script, advice = self._services.get(asked.action), f'.service("{asked.action}").returns({{...}})'
        if script is None or not script.has_words:
            raise NotScripted(_advice(asked, advice))
        return script.answer(asked)


@contextmanager
def workflow_tests(interpreting: Interpreting, folder: Path) -> Iterator[Callable[..., WorkflowTest]]:
    """Make tests of the project around a folder, as many as one asks for, one after the other."""
    threads: list[VirtualThreads] = []
    opened: list[AbstractContextManager[Interpreter]] = []

    def close() -> None:
        while threads:
            threads.pop().close()
            opened.pop().__exit__(None, None, None)

    def make(
        workflow: Workflow,
        *,
        name: str | None = None,
        placeholders: Mapping[str, Any] | None = None,
        folder: Path = folder,
    ) -> WorkflowTest:
        close()
        clock = VirtualThreads()
        made = WorkflowTest(bound(workflow, name, placeholders or {}, folder), clock)
        context = interpreting(clock, made._answer)
        made._interpreter = context.__enter__()
        threads.append(clock)
        opened.append(context)
        return made

    try:
        yield make
    finally:
        close()


WorkflowTests = Callable[..., WorkflowTest]
"""What the fixture `workflow_test` is: `workflow_test("order")`, a file, or a definition with its `placeholders`."""


def bound(workflow: Workflow, name: str | None, values: Mapping[str, Any], folder: Path) -> BoundMachine:
    """Bind a workflow of the project around a folder, a file, or a definition. Raises ConfigurationError."""
    if isinstance(workflow, Mapping):
        return bound_machine(name or "machine", workflow, values)
    if isinstance(workflow, Path):
        return bound_machine(name or workflow.name.partition(".")[0], read(workflow), values)
    project: Project = find(folder)
    return bound_workflow(project, workflow)


def _state_names(node: Any) -> Iterator[str]:
    """Find the names of all states in a definition, those in branches and Maps among them."""
    if isinstance(node, Mapping):
        states = node.get("States")
        if isinstance(states, Mapping):
            yield from states
        for part in node.values():
            yield from _state_names(part)
    elif isinstance(node, list):
        for part in node:
            yield from _state_names(part)


def _advice(asked: TaskCall, word: str) -> str:
    return f"{asked.machine}, state {asked.state}: {asked.action} is not scripted; say what comes of it: {word}"
