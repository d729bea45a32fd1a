"""moto's interpreter on a virtual clock, with jsonata-python in the place of its Java machine: the second opinion.

It descends from LocalStack's, which was checked against recorded AWS histories. It reaches services through boto3;
here every client is `world`. Where AWS is known to do otherwise, it does as AWS here: each attempt of a callback task
has a token of its own, and a callback that is there before its task waits is heard. Private names of moto: pinned by
`tests/interpreters`.
"""

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final

from jsonata import timebox
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_api_gateway import (
    StateTaskServiceApiGateway,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import get_all_subclasses

from headway.testing.kit.interpreter import (
    ACCOUNT_ID,
    DEAD_TOKEN,
    REGION,
    ROLE_ARN,
    RUNNING,
    ExecutionOutcome,
    RequestRefused,
    TaskCall,
    TaskFailure,
    World,
    plain,
)
from headway.testing.kit.moto_language import declarations, evaluate, parsed
from headway.testing.kit.scripts import not_played
from headway.testing.virtual_modules import Event, VirtualPrimitives, modules_under, put, replaced
from headway.testing.virtual_threads import VirtualThreads

_PACKAGE: Final = "moto.stepfunctions.parser"
_FUNCTION_PAYLOAD: Final = "Payload"
_current: Final[ContextVar[Any]] = ContextVar("current task", default=None)


class Moto:
    """moto's interpreter, as long as `moto` lasts."""

    name = "moto"

    def __init__(self) -> None:
        self._backend = StepFunctionsParserBackend(REGION, ACCOUNT_ID)
        self._settled: set[str] = set()
        self._given: set[str] = set()

    def create(self, name: str, definition: Mapping[str, Any]) -> str:
        """Make a machine and return its ARN."""
        text = json.dumps(definition, ensure_ascii=False)
        try:
            return str(self._backend.create_state_machine(name, text, ROLE_ARN, sm_type="STANDARD").arn)
        except Exception as refused:  # each has its own
            raise RequestRefused(_code_of(refused), str(refused)) from refused

    def start(self, machine_arn: str, name: str, text: str) -> str:
        """Start an execution and return its ARN."""
        try:
            return str(self._backend.start_execution(machine_arn, name, text).exec_arn)
        except Exception as refused:  # each has its own
            raise RequestRefused(_code_of(refused), str(refused)) from refused

    def settle(self, word: str, token: str, **words: str) -> None:
        """Answer a task token: moto minds neither how often, nor whether its task has ended."""
        endpoint = self._endpoint(token)
        if endpoint is None or token in self._settled:
            raise RequestRefused(DEAD_TOKEN if token in self._given else "InvalidToken")
        if word == "heartbeat":
            endpoint.notify_heartbeat()
            return
        self._settled.add(token)
        endpoint.notify(
            CallbackOutcomeSuccess(token, words["output"])
            if word == "success"
            else CallbackOutcomeFailure(token, words.get("error"), words.get("cause"))
        )

    def stop(self, execution_arn: str) -> None:
        """Stop an execution."""
        self._backend.stop_execution(execution_arn)

    def redrive(self, execution_arn: str) -> None:
        """Say that moto has no redrive."""
        raise RequestRefused("UnknownOperation", f"moto has no RedriveExecution ({execution_arn})")

    def outcome(self, execution_arn: str) -> ExecutionOutcome:
        """Return how an execution stands."""
        found = self._execution(execution_arn)
        status = str(getattr(found.exec_status, "value", found.exec_status))
        return ExecutionOutcome(status, found.output, found.error, found.cause, found.stop_date)

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        """Return the events of an execution."""
        events: Sequence[Mapping[str, Any]] = self._execution(execution_arn).to_history_output()["events"]
        return events

    def ask_itself(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what a machine asks Step Functions: to start another, and how that stands."""
        if action == "start_execution":
            given = {name.lower(): value for name, value in request.items()}
            arn = self.start(given["statemachinearn"], given.get("name") or f"run-{len(self._all())}", given["input"])
            return {"executionArn": arn, "startDate": self._execution(arn).start_date}
        found = self._execution(request["executionArn"])
        outcome = self.outcome(request["executionArn"])
        ended = {"stopDate": found.stop_date} if found.stop_date else {}
        succeeded = {"output": json.dumps(outcome.output)} if outcome.status == "SUCCEEDED" else {}
        failed = {"error": outcome.error, "cause": outcome.cause} if outcome.error else {}
        return {
            "executionArn": found.exec_arn,
            "stateMachineArn": found.state_machine.arn,
            "name": found.name,
            "status": outcome.status,
            "startDate": found.start_date,
            "input": json.dumps(found.input_data) if not isinstance(found.input_data, str) else found.input_data,
            **ended,
            **succeeded,
            **failed,
        }

    def _all(self) -> Sequence[Execution]:
        return list(self._backend._get_executions())

    def _execution(self, arn: str) -> Execution:
        return next(execution for execution in self._all() if execution.exec_arn == arn)

    def _endpoint(self, token: str) -> CallbackEndpoint | None:
        """Return where a task waits for its token; None where no execution that goes on has it."""
        for execution in self._all():
            environment = execution.exec_worker.env if execution.exec_worker else None
            if environment is None:
                continue
            self._given |= environment.callback_pool_manager._pool.keys()
            if self.outcome(execution.exec_arn).status != RUNNING:
                continue
            endpoint = environment.callback_pool_manager.get(token)
            if endpoint is not None and not endpoint._notify_event.is_set():  # which the end of its task sets, too
                return endpoint
        return None


@contextmanager
def moto(threads: VirtualThreads, world: World) -> Iterator[Moto]:
    """Have the interpreter on this clock, in this world, and nothing of it afterwards."""
    primitives = VirtualPrimitives(threads)
    interpreter = Moto()
    ended = Event(threads)
    client = _client_of(interpreter, world)
    names = {
        **primitives.names,
        id(boto_client_for): client,
        id(moto_jsonata.encode_jsonata_variable_declarations): declarations,
    }
    with ExitStack() as seams:
        seams.enter_context(replaced([*modules_under(_PACKAGE), timebox], names))
        seams.enter_context(put(AmazonStateLanguageParser, "parse", staticmethod(parsed)))
        seams.enter_context(put(moto_jsonata, "_eval_jsonata", evaluate))
        # It asks twice a second whether a machine that it has started has ended. Here it waits for the next end.
        patient = SimpleNamespace(sleep=lambda _: ended.park())
        seams.enter_context(put(state_task_service_callback, "time", patient))
        seams.enter_context(put(BaseExecutionWorkerCommunication, "terminated", _telling(ended)))
        seams.enter_context(put(StateTaskActivity, "_eval_execution", _no_activity))
        seams.enter_context(put(StateTaskService, "_eval_execution", _known(StateTaskService._eval_execution)))
        seams.enter_context(put(StateTaskLambda, "_eval_execution", _known(StateTaskLambda._eval_execution)))
        seams.enter_context(put(StateTaskServiceCallback, "_evaluate_with_timeout", _with_new_tokens()))
        seams.enter_context(put(StateTaskServiceApiGateway, "_eval_service_task", _asking(client)))
        for kind in (StateTaskService, *get_all_subclasses(StateTaskService)):
            if from_error := vars(kind).get("_from_error"):
                seams.enter_context(put(kind, "_from_error", _as_said(from_error)))
        seams.enter_context(put(StateTaskServiceSfn, "_normalise_response", _with_capitals))
        seams.enter_context(put(CallbackEndpoint, "setup_heartbeat_endpoint", _hearing_what_was_early()))
        level = logging.getLogger("moto").level
        logging.getLogger("moto").setLevel(logging.CRITICAL)  # it prints a tree for each error that a machine makes
        seams.callback(logging.getLogger("moto").setLevel, level)
        yield interpreter


def _known(evaluate_task: Callable[..., None]) -> Callable[..., None]:
    def evaluate_known(task: Any, env: Any) -> None:
        _current.set((task, env))  # in a thread of this attempt's own
        evaluate_task(task, env)

    return evaluate_known


def _no_activity(*_: Any) -> None:
    raise not_played("activity")


def _as_said(from_error: Callable[..., Any]) -> Callable[..., Any]:
    """Leave an error the name that it has; some services of moto's give every error one of their own."""

    def from_error_as_said(task: Any, env: Any, ex: Exception) -> Any:
        return ex.failure_event if isinstance(ex, FailureEventException) else from_error(task, env, ex)

    return from_error_as_said


def _telling(ended: Event) -> Callable[..., None]:
    terminated = BaseExecutionWorkerCommunication.terminated

    def terminated_and_tell(communication: Any) -> None:
        terminated(communication)
        ended.set()
        ended.clear()

    return terminated_and_tell


def _with_new_tokens() -> Callable[..., None]:
    evaluate_with_timeout = StateTaskServiceCallback._evaluate_with_timeout

    def evaluate_with_new_token(task: Any, env: Any) -> None:
        data = env.states.context_object.context_object_data
        if "Task" in data and data["State"].get("RetryCount", 0):
            env.callback_pool_manager.add(env.states.context_object.update_task_token())
        evaluate_with_timeout(task, env)

    return evaluate_with_new_token


def _asking(client: Callable[..., Any]) -> Callable[..., None]:
    """Ask the world for what moto asks an API for by HTTP of its own."""

    def evaluate_service_task(
        _: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Mapping[str, Any], *__: Any, **___: Any
    ) -> None:
        del resource_runtime_part
        env.stack.append(client("", "apigateway").invoke(**normalised_parameters))

    return evaluate_service_task


def _with_capitals(_: Any, response: Any, **__: Any) -> None:
    """Name what Step Functions answers as a machine sees it: `Output`, where the API says `output`."""
    for name in list(response):
        response[name[:1].upper() + name[1:]] = response.pop(name)


def _hearing_what_was_early() -> Callable[..., Any]:
    set_up = CallbackEndpoint.setup_heartbeat_endpoint

    def set_up_and_hear(endpoint: Any, heartbeat_seconds: int) -> Any:
        heartbeats = set_up(endpoint, heartbeat_seconds)
        if endpoint.get_outcome() is not None:
            heartbeats._next_heartbeat_event.set()
        return heartbeats

    return set_up_and_hear


def _client_of(interpreter: Moto, world: World) -> Callable[..., Any]:
    """Return what makes clients: each asks the world, or the interpreter where it is asked for other machines."""

    def ask(service: str, action: str, parameters: Mapping[str, Any]) -> Any:
        if _current.get() is None:
            raise not_played("ItemReader of a Map")
        task, env = _current.get()
        if service in ("stepfunctions", "sfn") and action == "describe_execution":
            return interpreter.ask_itself(action, parameters)
        context = env.states.context_object.context_object_data
        resource = task.resource.resource_arn
        asked = TaskCall(
            execution_arn=context["Execution"]["Id"],
            machine=context["StateMachine"]["Name"],
            state=context["State"]["Name"],
            resource=resource,
            arguments=_read(parameters),
            token=context["Task"]["Token"] if resource.endswith(".waitForTaskToken") else None,
        )
        try:
            result = world(asked)
            if service in ("stepfunctions", "sfn") and action == "start_execution":
                return interpreter.ask_itself(action, parameters)
        except TaskFailure as failure:
            raise _failed(env, resource, failure.error, failure.cause) from failure
        except RequestRefused as refused:
            raise _failed(env, resource, f"StepFunctions.{refused.code}Exception", str(refused)) from refused
        if service == "lambda":
            return {"StatusCode": 200, _FUNCTION_PAYLOAD: io.BytesIO(json.dumps(result).encode())}
        return result if result is not None else {}

    class Client:
        def __init__(self, service: str) -> None:
            self._service = service

        def __getattr__(self, action: str) -> Callable[..., Any]:
            return lambda **parameters: ask(self._service, action, parameters)

    def client_for(region: str, service: str, state_credentials: Any = None) -> Client:
        del region, state_credentials
        return Client(service)

    return client_for


def _failed(env: Any, resource: str, error: str, cause: str) -> FailureEventException:
    details = {"error": error, "cause": cause, "resource": resource, "resourceType": ""}
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=ErrorName(error_name=error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),  # type: ignore[typeddict-item] # of moto's own
        )
    )


def _read(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arguments as the author wrote them: moto writes bodies, payloads and inputs as text."""
    written = ("MessageBody", _FUNCTION_PAYLOAD, "Input", "input")
    return {name: plain(value) if name in written else value for name, value in parameters.items()}


def _code_of(refused: Exception) -> str:
    return str(getattr(refused, "error_type", None) or type(refused).__name__)
