"""One machine on one interpreter: what it wrote into its history, without names of its own and without times.

In: a machine of `machines.yaml`. Out: lines, the same for both interpreters where they do the same. Nothing passes but
virtual time.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from headway.testing.kit.embedded import embedded
from headway.testing.kit.interpreter import RUNNING, Interpreter, RequestRefused, TaskCall, World
from headway.testing.kit.moto_interpreter import moto
from headway.testing.kit.scripts import Course, ScriptedCall
from headway.testing.virtual_modules import US_PER_S
from headway.testing.virtual_threads import VirtualThreads

MACHINES = yaml.safe_load((Path(__file__).parent / "machines.yaml").read_text())
INTERPRETERS: Final[Mapping[str, Callable[[VirtualThreads, World], AbstractContextManager[Interpreter]]]] = {
    "ministack": embedded,
    "moto": moto,
}

LONGEST_S: Final = 8 * 24 * 3_600
"""After this a run is left as it is; no machine needs more."""
_SHOWN_CHARACTERS = 200
_OWN = re.compile(
    r"MessageId|ExecutionArn|StateMachineArn|Name|\w*Details|RedriveCount|RedriveStatus\w*"
    r"|StartTime|EnteredTime|\w+Date|ResponseMetadata"
)


@dataclass(slots=True)
class Run:
    """A machine on its way through one interpreter; `dynamodb` is a client of what has the table `items-<place>`."""

    machine: Mapping[str, Any]
    place: str
    dynamodb: Any
    lines: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    threads: VirtualThreads = field(default_factory=VirtualThreads)
    interpreter: Any = None
    machine_arn: str = ""
    execution_arn: str = ""
    answers: Iterator[Any] = field(default_factory=lambda: iter(()))

    def trace(self) -> list[str]:
        """Run the machine to its end and return its lines."""
        self.answers = iter(self.machine.get("answers", ()))
        with INTERPRETERS[self.place](self.threads, self._answer) as self.interpreter:
            try:
                self.threads.start(self.threads.now_us, self._begin)
                self.threads.run_until(self.threads.now_us + LONGEST_S * US_PER_S, self._is_over)
                if self.execution_arn:
                    self._note_end()
            finally:
                self.threads.close()
        return self.lines

    def _begin(self) -> None:
        try:
            for name, states in self.machine.get("children", {}).items():
                self.interpreter.create(name, self._definition(states))
            self.machine_arn = self.interpreter.create("machine", self._definition(self.machine["states"]))
        except RequestRefused as refused:
            self.lines.append(f"create -> {refused.code}")
            return
        self.execution_arn = self.interpreter.start(self.machine_arn, "run", json.dumps(self.machine["input"]))

    def _definition(self, states: Mapping[str, Any]) -> Any:
        definition = {
            "QueryLanguage": self.machine.get("language", "JSONata"),
            "StartAt": next(iter(states)),
            "States": states,
        }
        if "limit" in self.machine:
            definition["TimeoutSeconds"] = self.machine["limit"]
        return json.loads(json.dumps(definition).replace("TABLE", f"items-{self.place}"))

    def _is_over(self) -> bool:
        return bool(self.execution_arn) and self.interpreter.outcome(self.execution_arn).status != RUNNING

    def _note_end(self) -> None:
        self.threads.start(self.threads.now_us, self._act_afterwards)
        self.threads.run_until(self.threads.now_us)
        history = [line for event in self.interpreter.history(self.execution_arn) for line in _lines_of(event)]
        self.lines += [*history, f"status {self.interpreter.outcome(self.execution_arn).status}"]

    def _act_afterwards(self) -> None:
        for action in self.machine.get("afterwards", ()):
            self._act(action)

    def _answer(self, asked: TaskCall) -> Any:
        """Be a queue, a table, or a function that answers with its event."""
        if asked.action.startswith("dynamodb:"):
            name = re.sub("([A-Z])", r"_\1", asked.action.partition(":")[2]).lower()
            course = Course(self.threads, self.interpreter.settle)
            call = ScriptedCall(course).runs(lambda arguments: getattr(self.dynamodb, name)(**arguments))
            return call.answer(asked)
        if asked.token is None:
            return asked.arguments.get("Payload")
        self.tokens.append(asked.token)
        if self.machine.get("early"):
            self._act_next()
        else:
            self.threads.start(self.threads.now_us, self._act_next)
        return {"MessageId": "message"}

    def _act_next(self) -> None:
        for action in next(self.answers, ()):
            self._act(action)

    def _act(self, action: Mapping[str, Any]) -> None:
        """Do one thing, and note how the interpreter answers it."""
        ((kind, value),) = action.items()
        if kind == "pause":
            self.threads.sleep_us(round(value * US_PER_S))
            return
        if kind == "token_is":
            is_new = self.tokens[-1] not in self.tokens[:-1]
            self.lines.append(f"token {'new' if is_new else 'as before'}")
            return
        try:
            answer = self._done(kind, value)
        except RequestRefused as refused:
            answer = refused.code
        self.lines.append(f"{kind} -> {answer}")

    def _done(self, kind: str, value: Any) -> str:
        token = self.tokens[-1] if self.tokens else "none"
        if kind == "stop":
            self.interpreter.stop(self.execution_arn)
        elif kind == "again":
            return str(self.interpreter.start(self.machine_arn, "run", json.dumps(value)) == self.execution_arn)
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
