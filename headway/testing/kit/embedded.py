"""The embedded cloud's interpreter (ministack's, with our patches) in this process: no server, no service behind it.

The patches are those of `headway.cloud` that an execution passes through. They are put in while the virtual clock is,
and taken out after: nothing of it outlives a test.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from jsonata import timebox
from jsonata.jsonata import Jsonata
from ministack.core import responses
from ministack.services import stepfunctions as sfn

from headway.asl.diagnostics import Diagnostic, message_of
from headway.asl.form import diagnostics
from headway.cloud.patches import distributed_map, executions, tasks
from headway.cloud.patches.expressions import RememberingParser
from headway.testing.kit.interpreter import (
    CALLBACK,
    ROLE_ARN,
    ExecutionOutcome,
    RequestRefused,
    TaskCall,
    TaskFailure,
    World,
    plain,
)
from headway.testing.kit.scripts import not_played
from headway.testing.virtual_modules import VirtualPrimitives, replaced
from headway.testing.virtual_threads import VirtualThreads

PATCHES: Final = (
    "patches.branches",
    "patches.child_failures",
    "patches.distributed_map",
    "patches.executions",
    "patches.side_by_side",
    "patches.tasks",
    "strict.data_sizes",
    "strict.execution_names",
    "strict.heartbeats",
    "strict.machine_timeouts",
    "strict.missing_paths",
    "strict.redrive",
    "strict.retry_delays",
    "strict.task_tokens",
    "strict.terminal_errors",
)
"""In the order in which the server has them. `strict.definitions` is asked for itself: it imports CloudFormation."""

_PARSER: Final = RememberingParser()
_STORES: Final = ("_state_machines", "_executions", "_task_tokens", "_map_runs", "_tags")
_OK: Final = 200
_LOG: Final = logging.getLogger("states")
_current: Final[ContextVar[Any]] = ContextVar("current state", default=None)


class Embedded:
    """ministack's interpreter, as long as `embedded` lasts."""

    name = "embedded"

    def create(self, name: str, definition: Mapping[str, Any]) -> str:
        """Make a machine and return its ARN."""
        text = json.dumps(definition, ensure_ascii=False)
        if found := _diagnostics(text):
            raise RequestRefused("InvalidDefinition", message_of(found))
        made = _answer(sfn._create_state_machine({"name": name, "definition": text, "roleArn": ROLE_ARN}))
        return str(made["stateMachineArn"])

    def start(self, machine_arn: str, name: str, text: str) -> str:
        """Start an execution and return its ARN."""
        request = {"stateMachineArn": machine_arn, "name": name, "input": text}
        return str(_answer(sfn._start_execution(request))["executionArn"])

    def settle(self, word: str, token: str, **words: str) -> None:
        """Answer a task token."""
        send = {
            "success": sfn._send_task_success,
            "failure": sfn._send_task_failure,
            "heartbeat": sfn._send_task_heartbeat,
        }[word]
        _answer(send({"taskToken": token, **words}))

    def stop(self, execution_arn: str) -> None:
        """Stop an execution."""
        _answer(sfn._stop_execution({"executionArn": execution_arn}))

    def redrive(self, execution_arn: str) -> None:
        """Let an execution that has failed go on."""
        from headway.cloud.strict import redrive

        _answer(redrive.redrive({"executionArn": execution_arn}))

    def outcome(self, execution_arn: str) -> ExecutionOutcome:
        """Return how an execution stands."""
        found = sfn._executions[execution_arn]
        status = found["status"]
        output = json.loads(found["output"]) if status == "SUCCEEDED" else None
        return ExecutionOutcome(
            status, output, found.get("error") or None, found.get("cause") or None, found["stopDate"]
        )

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        """Return the events of an execution."""
        return list(sfn._executions[execution_arn]["events"])


@lru_cache(64)
def _diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """Read a definition once: most tests of a file are about one machine."""
    return tuple(diagnostics(text, "STANDARD"))


@contextmanager
def embedded(threads: VirtualThreads, world: World) -> Iterator[Embedded]:
    """Have the interpreter on this clock, in this world, and nothing of it afterwards."""
    primitives = VirtualPrimitives(threads)
    ours = [import_module(f"headway.cloud.{name}") for name in PATCHES]
    with ExitStack() as seams:
        for module in (sfn, tasks, executions, *ours):
            seams.enter_context(_kept(module))
        parser = Jsonata.get_parser
        seams.callback(setattr, Jsonata, "get_parser", staticmethod(parser))
        seams.enter_context(replaced((sfn, responses, timebox, *ours), primitives.names))
        for module in ours:
            module.apply()
        Jsonata.get_parser = staticmethod(lambda: _PARSER)  # what one test has parsed is known to the next
        seams.callback(_LOG.setLevel, _LOG.level)
        _LOG.setLevel(logging.CRITICAL)  # a line for each execution
        vars(executions)["START_DELAY_S"] = 0.0
        sfn._SFN_WAIT_SCALE = 1.0
        _empty()
        _enter(world)
        try:
            yield Embedded()
        finally:
            _empty()


@contextmanager
def _kept(module: ModuleType) -> Iterator[None]:
    """Put the names of a module back afterwards."""
    before = dict(vars(module))
    try:
        yield
    finally:
        for name in vars(module).keys() - before.keys():
            delattr(module, name)
        vars(module).update(before)


def _empty() -> None:
    for name in _STORES:
        getattr(sfn, name).clear()


def _enter(world: World) -> None:
    """Let every call of a task that leaves the interpreter come to `world`; machines start machines by themselves."""
    execute = sfn._execute_task
    start, start_and_wait = sfn._invoke_nested_start_execution, sfn._invoke_nested_start_execution_sync

    def execute_known(state: Any, data: Any, execution: Any, context: Any) -> Any:
        before = _current.set((state, execution, context))
        try:
            return execute(state, data, execution, context)
        finally:
            _current.reset(before)

    def ask(arguments: Any, resource: str | None = None) -> Any:
        state, execution, context = _current.get()
        waits = CALLBACK in state["Resource"]
        asked = TaskCall(
            execution_arn=execution["executionArn"],
            machine=context["StateMachine"]["Name"],
            state=context["State"]["Name"],
            resource=resource or state["Resource"],
            arguments=arguments,
            token=context["Task"]["Token"] if waits else None,
        )
        try:
            return world(asked)
        except TaskFailure as failure:
            raise sfn._ExecutionError(failure.error, failure.cause) from failure

    def call_function(reference: Any, event: Any) -> Any:
        return ask({"FunctionName": reference, "Payload": event})

    def call_service(resource: str, arguments: Any) -> Any:
        return ask(_read(arguments), resource)

    def noted(start: Any) -> Any:
        def start_noted(resource: str, arguments: Any) -> Any:
            ask(arguments, resource)
            return start(resource, arguments)

        return start_noted

    def refuse(what: str) -> Any:
        def refused(*_: Any) -> Any:
            raise not_played(what)

        return refused

    def read(execution: Any, context: Any, bucket: str, key: str) -> str:
        with_map = _current.set(({"Resource": "arn:aws:states:::s3:getObject"}, execution, context))
        try:
            return str(ask({"Bucket": bucket, "Key": key})["Body"])
        finally:
            _current.reset(with_map)

    def write(execution: Any, context: Any, bucket: str, key: str, text: str) -> None:
        with_map = _current.set(({"Resource": "arn:aws:states:::s3:putObject"}, execution, context))
        try:
            ask({"Bucket": bucket, "Key": key, "Body": text})
        finally:
            _current.reset(with_map)

    sfn._read_map_items, sfn._invoke_activity = refuse("ItemReader that lists a bucket"), refuse("activity")
    distributed_map.read_text, distributed_map.write_text = read, write
    sfn._execute_task = execute_known
    sfn._call_lambda = call_function
    sfn._SERVICE_DISPATCH = {"arn:aws:states:::": call_service}
    sfn._invoke_nested_start_execution = noted(start)
    sfn._invoke_nested_start_execution_sync = noted(start_and_wait)
    sfn._emit_execution_status_event = lambda _: None


def _read(arguments: Any) -> Any:
    if isinstance(arguments, dict) and "MessageBody" in arguments:
        return {**arguments, "MessageBody": plain(arguments["MessageBody"])}
    return arguments


def _answer(response: Any) -> Any:
    """Return what an operation answers; raises RequestRefused with its code."""
    status, _, body = response
    said = json.loads(body) if body else {}
    if status == _OK:
        return said
    code = str(said.get("__type", status)).rpartition("#")[2]
    with suppress(KeyError):
        raise RequestRefused(code, said["message"])
    raise RequestRefused(code)
