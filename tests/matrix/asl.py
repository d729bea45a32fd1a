"""Plays a state machine from its own ASL: JSONata, Retry, Catch, Assign; whoever plays it does what its tasks ask for.

Only what the workflows here use: Task, Pass, Choice, Succeed, Fail. Instead of jitter there is the longest pause.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils


@dataclass(frozen=True, slots=True)
class Asked:
    """What a task asks for: a resource, its arguments by the token of the task, and how long it may take."""

    resource: str
    arguments: Callable[[str], Any]
    timeout_s: float
    heartbeat_s: float | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds before a retry."""

    wait_s: float


class StateError(Exception):
    """A state failed with an error's name."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


Play = Generator[Asked | Pause, Any, Any]
"""Yields what is asked for, is sent the results, and returns the output. Raises StateError where the machine fails."""


class Player:
    """One execution of a machine."""

    def __init__(self, definition: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        self._definition = definition
        self._context = dict(context)
        self._variables: dict[str, Any] = {}

    def play(self, data: Any) -> Play:
        """Run from the first state to an end."""
        name = self._definition["StartAt"]
        while True:
            state = self._definition["States"][name]
            self._context |= {"State": {"Name": name, "RetryCount": 0}}
            kind = state["Type"]
            if kind == "Fail":
                raise StateError(self._value(state["Error"], data), self._value(state.get("Cause", ""), data))
            following = state.get("Next")
            if kind == "Task":
                data, following = yield from self._task(state, data)
            elif kind == "Choice":
                chosen = next((rule for rule in state["Choices"] if self._value(rule["Condition"], data) is True), None)
                following = state["Default"] if chosen is None else chosen["Next"]
            else:
                assert kind in ("Pass", "Succeed"), f"{name}: no workflow had {kind} so far"
                output = self._value(state["Output"], data) if "Output" in state else data
                self._assign(state, data)
                data = output
            if following is None:
                return data
            name = following

    def _task(self, state: Mapping[str, Any], data: Any) -> Generator[Asked | Pause, Any, tuple[Any, str | None]]:
        retried = [0] * len(state.get("Retry", []))
        while True:
            try:
                result = yield self._asked(state, data)
            except StateError as failure:
                pause_s = self._retry(state, failure, retried)
                if pause_s is not None:
                    yield Pause(pause_s)
                    self._context["State"]["RetryCount"] += 1
                    continue
                for catcher in state.get("Catch", []):
                    if _matches(catcher["ErrorEquals"], failure.error):
                        output = {"Error": failure.error, "Cause": failure.cause}
                        return self._value(catcher.get("Output", output), data, error=output), catcher["Next"]
                raise
            output = self._value(state["Output"], data, result) if "Output" in state else result
            self._assign(state, data, result)
            return output, state.get("Next")

    def _asked(self, state: Mapping[str, Any], data: Any) -> Asked:
        def arguments(token: str) -> Any:
            self._context["Task"] = {"Token": token}
            return self._value(state.get("Arguments", {}), data)

        return Asked(state["Resource"], arguments, state.get("TimeoutSeconds", 60), state.get("HeartbeatSeconds"))

    @staticmethod
    def _retry(state: Mapping[str, Any], failure: StateError, retried: list[int]) -> float | None:
        for number, retrier in enumerate(state.get("Retry", [])):
            if _matches(retrier["ErrorEquals"], failure.error):
                if retried[number] >= retrier.get("MaxAttempts", 3):
                    return None
                pause_s = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retried[number]
                retried[number] += 1
                return float(min(pause_s, retrier.get("MaxDelaySeconds", pause_s)))
        return None

    def _assign(self, state: Mapping[str, Any], data: Any, result: Any = None) -> None:
        self._variables |= self._value(state.get("Assign", {}), data, result)

    def _value(self, template: Any, data: Any, result: Any = None, error: Any = None) -> Any:
        if isinstance(template, Mapping):
            return {name: self._value(part, data, result, error) for name, part in template.items()}
        if isinstance(template, list):
            return [self._value(part, data, result, error) for part in template]
        if not (isinstance(template, str) and template.startswith("{%")):
            return template
        states = {"input": data, "context": self._context, "result": result, "errorOutput": error}
        expression = _parsed(template[2:-2].strip())
        for name, value in {**self._variables, "states": states}.items():
            expression.assign(name, value)
        found = _plain(expression.evaluate(None))
        if found is None:
            raise StateError("States.QueryEvaluationError", f"{template} is undefined")
        return found


@cache
def _parsed(expression: str) -> Any:
    parsed = Jsonata.jsonata(expression)
    parsed.register_lambda("parse", json.loads)
    parsed.register_lambda("hash", _hash)
    return parsed


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _matches(names: list[str], error: str) -> bool:
    timeouts = ("States.Timeout", "States.HeartbeatTimeout")
    return (
        error in names
        or "States.ALL" in names
        or ("States.TaskFailed" in names and error not in timeouts)
        or ("States.Timeout" in names and error == "States.HeartbeatTimeout")
    )
