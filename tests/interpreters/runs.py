"""One machine on one interpreter: what it wrote into its history, without names of its own and without times.

In: a machine of `machines.yaml`. Out: lines, the same for both interpreters where they do the same.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from headway.deployment.target import Target
from tests.cloud.roles import ANY_ROLE_ARN

MACHINES = yaml.safe_load((Path(__file__).parent / "machines.yaml").read_text())

LONGEST_S = 8.0
"""After this a run is left as it is; no machine needs half of it, and those that an interpreter never ends need all."""
STOP_S = 1.5
"""After this a run that was stopped is left as it is."""
_POLL_S = 0.05
_SETTLING_S = 0.1
"""moto may send a message and fail in the same moment; whether we see it in between is chance."""
_SHOWN_CHARACTERS = 200
_OWN = re.compile(r"MessageId|MD5.*|SdkHttpMetadata|SdkResponseMetadata|ResponseMetadata|StartTime|EnteredTime|\w+Date")


class Interpreter(Protocol):
    """What runs machines: the embedded cloud's own, or the second one."""

    def create(self, name: str, definition: str) -> str:
        """Make a machine and return its ARN."""

    def start(self, machine_arn: str, name: str, text: str) -> str:
        """Start an execution and return its ARN."""

    def settle(self, action: str, token: str, **words: str) -> None:
        """Answer a task token: `success`, `failure` or `heartbeat`."""

    def stop(self, execution_arn: str) -> None:
        """Stop an execution."""

    def status(self, execution_arn: str) -> str:
        """Return the status of an execution."""

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        """Return the events of an execution."""


@dataclass(frozen=True, slots=True)
class First:
    """The embedded cloud's own interpreter."""

    sfn: Any

    def create(self, name: str, definition: str) -> str:
        arn: str = self.sfn.create_state_machine(name=name, definition=definition, roleArn=ANY_ROLE_ARN)[
            "stateMachineArn"
        ]
        return arn

    def start(self, machine_arn: str, name: str, text: str) -> str:
        arn: str = self.sfn.start_execution(stateMachineArn=machine_arn, name=name, input=text)["executionArn"]
        return arn

    def settle(self, action: str, token: str, **words: str) -> None:
        getattr(self.sfn, f"send_task_{action}")(taskToken=token, **words)

    def stop(self, execution_arn: str) -> None:
        self.sfn.stop_execution(executionArn=execution_arn)

    def status(self, execution_arn: str) -> str:
        status: str = self.sfn.describe_execution(executionArn=execution_arn)["status"]
        return status

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        events: Sequence[Mapping[str, Any]] = self.sfn.get_execution_history(executionArn=execution_arn)["events"]
        return events


@dataclass(frozen=True, slots=True)
class Second:
    """moto's interpreter."""

    backend: StepFunctionsParserBackend

    def create(self, name: str, definition: str) -> str:
        arn: str = self.backend.create_state_machine(name, definition, ANY_ROLE_ARN, sm_type="STANDARD").arn
        return arn

    def start(self, machine_arn: str, name: str, text: str) -> str:
        arn: str = self.backend.start_execution(machine_arn, name, text).execution_arn
        return arn

    def settle(self, action: str, token: str, **words: str) -> None:
        # moto looks for the token through all executions, and stumbles over one that has only just begun.
        asking = Retrying(
            retry=retry_if_exception_type(AttributeError),
            stop=stop_after_attempt(20),
            wait=wait_fixed(0.05),
            reraise=True,
        )
        asking(self._settle, action, token, **words)

    def _settle(self, action: str, token: str, **words: str) -> None:
        if action == "success":
            self.backend.send_task_success(token, words["output"])
        elif action == "failure":
            self.backend.send_task_failure(token, **words)
        else:
            self.backend.send_task_heartbeat(token)

    def stop(self, execution_arn: str) -> None:
        self.backend.stop_execution(execution_arn)

    def status(self, execution_arn: str) -> str:
        return str(self.backend.describe_execution(execution_arn).status)

    def history(self, execution_arn: str) -> Sequence[Mapping[str, Any]]:
        events: Sequence[Mapping[str, Any]] = self.backend.get_execution_history(execution_arn)["events"]
        return events


@dataclass(slots=True)
class Run:
    """A machine on its way through one interpreter."""

    machine: Mapping[str, Any]
    interpreter: Interpreter
    services: Target
    place: str
    lines: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def trace(self) -> list[str]:
        """Run the machine to its end and return its lines."""
        number = MACHINES.index(self.machine)
        name = f"{self.place}-{number}"
        queue_url = self.services.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        definition = {
            "QueryLanguage": self.machine.get("language", "JSONata"),
            "StartAt": "It",
            "States": self.machine["states"],
        }
        if "limit" in self.machine:
            definition["TimeoutSeconds"] = self.machine["limit"]
        text = json.dumps(definition).replace("QUEUE", queue_url).replace("TABLE", f"items-{self.place}")
        try:
            machine_arn = self.interpreter.create(name, text)
        except Exception as refused:  # each has its own
            return [f"create -> {_code_of(refused)}"]
        execution_arn = self.interpreter.start(machine_arn, "run", json.dumps(self.machine["input"]))
        answers = iter(self.machine.get("answers", ()))
        ends_at = time.monotonic() + LONGEST_S
        while self.interpreter.status(execution_arn) == "RUNNING" and time.monotonic() < ends_at:
            for token in self._received(queue_url):
                time.sleep(_SETTLING_S)
                if self.interpreter.status(execution_arn) != "RUNNING":
                    break
                self.tokens.append(token)
                for action in next(answers, ()):
                    self._act(action, machine_arn, execution_arn)
                    if "stop" in action:
                        ends_at = time.monotonic() + STOP_S
            time.sleep(_POLL_S)
        for action in self.machine.get("afterwards", ()):
            self._act(action, machine_arn, execution_arn)
        history = [line for event in self.interpreter.history(execution_arn) for line in _lines_of(event)]
        return [*self.lines, *history, f"status {self.interpreter.status(execution_arn)}"]

    def _received(self, queue_url: str) -> Iterator[str]:
        if "answers" in self.machine:
            sqs = self.services.client("sqs")
            for message in sqs.receive_message(QueueUrl=queue_url).get("Messages", []):
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])["token"]

    def _act(self, action: Mapping[str, Any], machine_arn: str, execution_arn: str) -> None:
        """Do one thing, and note how the interpreter answers it."""
        ((kind, value),) = action.items()
        if kind == "pause":
            time.sleep(value)
            return
        if kind == "token_is":
            is_new = self.tokens[-1] not in self.tokens[:-1]
            self.lines.append(f"token {'new' if is_new else 'as before'}")
            return
        try:
            answer = self._answer(kind, value, machine_arn, execution_arn)
        except Exception as refused:  # each has its own
            answer = _code_of(refused)
        self.lines.append(f"{kind} -> {answer}")

    def _answer(self, kind: str, value: Any, machine_arn: str, execution_arn: str) -> str:
        token = self.tokens[-1] if self.tokens else "none"
        if kind == "stop":
            self.interpreter.stop(execution_arn)
        elif kind == "again":
            return str(self.interpreter.start(machine_arn, "run", json.dumps(value)) == execution_arn)
        elif kind == "failure":
            self.interpreter.settle(kind, token, **value)
        elif kind == "heartbeat":
            self.interpreter.settle(kind, token)
        else:
            output = {"text": value, "length": f'"{"x" * (value - 2)}"' if kind == "length" else "", "stranger": "1"}
            self.interpreter.settle(
                "success", "stranger" if kind == "stranger" else token, output=output.get(kind, json.dumps(value))
            )
        return "taken"


def _code_of(refused: Exception) -> str:
    """Return the code of a refusal: of a response, or of what moto makes one of."""
    if isinstance(refused, ClientError):
        return str(refused.response["Error"]["Code"])
    return str(getattr(refused, "error_type", None) or type(refused).__name__)


def _lines_of(event: Mapping[str, Any]) -> Iterator[str]:
    """Return what matters of an event: its type, the state, the data that went out, the error."""
    kind = str(getattr(event["type"], "value", event["type"]))
    details: Mapping[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    words = [kind, details.get("name", "") if kind.endswith(("Entered", "Exited")) else ""]
    if kind.endswith(("Exited", "Succeeded")) and "output" in details:
        text = json.dumps(_without_own(details["output"]), sort_keys=True)
        words.append(text if len(text) < _SHOWN_CHARACTERS else f"{len(text)} characters")
    words.append(details.get("error") or "")
    yield " ".join(word for word in words if word)


def _without_own(text: str) -> Any:
    """Return data without what differs from run to run."""
    try:
        return _stripped(json.loads(text))
    except ValueError:
        return f"not JSON: {text}"


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(part) for name, part in value.items() if not _OWN.fullmatch(name)}
    return [_stripped(part) for part in value] if isinstance(value, list) else value
