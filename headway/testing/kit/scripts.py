"""What a test says beforehand of the world around a machine: results, failures and callbacks, each in its time.

Every word is about the next call of its kind; the last one holds for all calls that follow.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from botocore.exceptions import ClientError

from headway.testing.kit.interpreter import INVOKING, RequestRefused, TaskCall, TaskFailure
from headway.testing.virtual_modules import US_PER_S
from headway.testing.virtual_threads import VirtualThreads

Word = TypeVar("Word")


class NotScripted(BaseException):
    """A machine asked for what the test has no word for: no interpreter may catch that."""


def not_played(what: str) -> NotScripted:
    """Return the refusal of something that the kit has no words for."""
    return NotScripted(f"the kit plays no {what}: test the machine without it, and that part on the embedded cloud")


@dataclass(frozen=True, slots=True)
class StateCall:
    """What a state asked for, and when: seconds from the start of the execution that the test started."""

    at_s: float
    state: str
    action: str
    arguments: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What a task was told: `success`, `failure` or `heartbeat`. `taken` is False where nobody waited any more."""

    at_s: float
    word: str
    taken: bool


class Words(Generic[Word]):
    """The words of one kind of call, in the order of the calls."""

    def __init__(self) -> None:
        self._words: list[Word] = []

    def add(self, word: Word) -> None:
        """Say what becomes of the next call that nothing is said of."""
        self._words.append(word)

    def __bool__(self) -> bool:
        return bool(self._words)

    def take(self) -> Word:
        """Return what is said of this call."""
        return self._words.pop(0) if len(self._words) > 1 else self._words[0]


class Course:
    """The course of a test's time: what happens when, and what tasks are told. Times are seconds from the start."""

    def __init__(self, threads: VirtualThreads, settle: Callable[..., None]) -> None:
        self._threads, self._settle = threads, settle
        self.zero_us = threads.now_us
        self.promised_count = 0
        """Callbacks that are still to come; heartbeats do not count."""

    @property
    def now_s(self) -> float:
        """Return the time since the start."""
        return (self._threads.now_us - self.zero_us) / US_PER_S

    def wait(self, seconds: float | None) -> None:
        """Let a call take its time; None is for ever."""
        if seconds is None:
            self._threads.park(None)
        elif seconds:
            self._threads.sleep_us(round(seconds * US_PER_S))

    def later(self, after_s: float, action: Callable[[], None]) -> None:
        """Let something happen, which never waits."""
        self.promised_count += 1

        def happen() -> None:
            self.promised_count -= 1
            action()

        self._at(after_s, happen)

    def tell(self, log: list[TaskAnswer], word: str, token: str, **words: str) -> bool:
        """Answer a task token now; return whether somebody waited for it."""
        try:
            self._settle(word, token, **words)
        except RequestRefused:
            log.append(TaskAnswer(self.now_s, word, taken=False))
            return False
        log.append(TaskAnswer(self.now_s, word, taken=True))
        return True

    def beat(self, log: list[TaskAnswer], token: str, every_s: float) -> None:
        """Send heartbeats until nobody waits any more."""

        def beat_on() -> None:
            if self.tell(log, "heartbeat", token):
                self._at(every_s, beat_on)
            else:
                log.pop()  # it ended: a vendor's word of progress after that is nothing of interest

        self._at(every_s, beat_on)

    def _at(self, after_s: float, action: Callable[[], None]) -> None:
        self._threads.at(self._threads.now_us + round(after_s * US_PER_S), action)


Reply = Callable[[TaskCall], Any]


class ScriptedCall:
    """What a function or a service answers; `calls` is what it was asked. A function's result is its payload."""

    def __init__(self, course: Course) -> None:
        self.calls: list[StateCall] = []
        self._course = course
        self._words: Words[Reply] = Words()

    def returns(self, value: Any, *, after_s: float = 0) -> Self:
        """Answer with this result."""

        def reply(_: TaskCall) -> Any:
            self._course.wait(after_s)
            return value

        return self._say(reply)

    def fails(self, error: str, cause: str = "", *, after_s: float = 0) -> Self:
        """Fail with an error's name, such as `DynamoDB.ConditionalCheckFailedException`."""

        def reply(_: TaskCall) -> Any:
            self._course.wait(after_s)
            raise TaskFailure(error, cause)

        return self._say(reply)

    def runs(self, code: Callable[..., Any], *, after_s: float = 0) -> Self:
        """Answer with what the code does: a function's handler with its event, a service's with its arguments.

        What a handler raises fails the task by the name of its class, as in Lambda; a ClientError by its code.
        """

        def reply(asked: TaskCall) -> Any:
            self._course.wait(after_s)
            given = _copied(asked.arguments)
            try:
                return _copied(code(given["Payload"], None) if asked.action == INVOKING else code(given))
            except ClientError as error:
                raise TaskFailure(_error_of(asked.action, error), str(error)) from error
            except Exception as error:
                told = {"errorMessage": str(error), "errorType": type(error).__name__}
                raise TaskFailure(type(error).__name__, json.dumps(told)) from error

        return self._say(reply)

    def never_returns(self) -> Self:
        """Answer nothing: the task goes on until its TimeoutSeconds."""
        return self._say(lambda _: self._course.wait(None))

    def forget(self) -> Self:
        """Take back what is said."""
        self._words = Words()
        return self

    @property
    def has_words(self) -> bool:
        """Return whether anything is said."""
        return bool(self._words)

    def answer(self, asked: TaskCall) -> Any:
        """Answer a call."""
        self.calls.append(call_of(asked, self._course))
        return _copied(self._words.take()(asked))

    def _say(self, reply: Reply) -> Self:
        self._words.add(reply)
        return self


class ScriptedTask:
    """What a callback task is told, by its state; `calls` is what it asked for, `callbacks` what it was told."""

    def __init__(self, course: Course) -> None:
        self.calls: list[StateCall] = []
        self.callbacks: list[TaskAnswer] = []
        self.tokens: list[str] = []
        self._course = course
        self._words: Words[Callable[[str], None]] = Words()

    def succeeds(self, output: Any, *, after_s: float = 0, progress_every_s: float | None = None) -> Self:
        """Tell it this output; meanwhile that something goes on, every so many seconds."""
        return self._say(after_s, progress_every_s, "success", output=json.dumps(output))

    def fails(self, error: str, cause: str = "", *, after_s: float = 0) -> Self:
        """Tell it this error."""
        return self._say(after_s, None, "failure", error=error, cause=cause)

    def never_answers(self, *, progress_every_s: float | None = None) -> Self:
        """Tell it nothing but that something goes on, every so many seconds, or nothing at all.

        The test may tell it something itself: `order.start(...)`, then `order.answer(STATE, ...)`.
        """
        return self._say(None, progress_every_s, "")

    @property
    def has_words(self) -> bool:
        """Return whether anything is said."""
        return bool(self._words)

    def answer(self, asked: TaskCall) -> None:
        """Tell a task what is said of it."""
        self.calls.append(call_of(asked, self._course))
        self.tokens.append(token_of(asked))
        self._words.take()(token_of(asked))

    def _say(self, after_s: float | None, progress_every_s: float | None, word: str, **words: str) -> Self:
        def tell(token: str) -> None:
            if progress_every_s is not None:
                self._course.beat(self.callbacks, token, progress_every_s)
            if after_s is not None:
                self._course.later(after_s, lambda: self._tell(word, token, words))

        self._words.add(tell)
        return self

    def _tell(self, word: str, token: str, words: Mapping[str, str]) -> None:
        self._course.tell(self.callbacks, word, token, **words)


def call_of(asked: TaskCall, course: Course) -> StateCall:
    """Return what a test sees of a call."""
    return StateCall(course.now_s, asked.state, asked.action, asked.arguments)


def token_of(asked: TaskCall) -> str:
    """Return the token that a callback task hands out; NotScripted where nobody could ever call back."""
    if asked.token and _holds(asked.arguments, asked.token):
        return asked.token
    raise NotScripted(
        f"{asked.machine}, state {asked.state}: {asked.action} waits for a callback, but its arguments hold no task "
        "token, so nobody can call back: put `$states.context.Task.Token` (JSONPath: `$$.Task.Token`) into them"
    )


def _holds(value: Any, token: str) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(part, token) for part in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_holds(part, token) for part in value)
    return isinstance(value, str) and token in value


def _copied(value: Any) -> Any:
    """Return what arrives of a value on the other side."""
    return json.loads(json.dumps(value, default=str))


def _error_of(action: str, error: ClientError) -> str:
    """Return the error's name of a service's refusal: `DynamoDB.ConditionalCheckFailedException`."""
    optimized = {"dynamodb": "DynamoDB", "sqs": "SQS", "sns": "SNS", "lambda": "Lambda"}
    service, _, rest = action.partition(":")
    name = rest.partition(":")[0] if service == "aws-sdk" else service
    shown = {"dynamodb": "DynamoDb"}.get(name, name[:1].upper() + name[1:])
    code = error.response["Error"]["Code"]
    shown = shown if service == "aws-sdk" else optimized.get(service, shown)
    return f"{shown}.{code if code.endswith('Exception') else f'{code}Exception'}"
