"""Executions that have ended take little memory: their histories are packed, and only so many are known.

AWS keeps an execution of a Standard machine for 90 days after its end, and answers nothing about one of an Express
machine, which ministack keeps like any other. A laptop has one process for all of that: 14 KB for an execution of a
call, where 20,000 calls make 40,000 of them. Histories of one machine differ in names, times and payloads only, so each
is packed as what it has not in common with the first one; it is unpacked whenever somebody looks at it.
"""

import json
import sys
import threading
import zlib
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any, Final

from ministack.services import stepfunctions as sfn

from headway.cloud.patches.executions import POSITION

STANDARD_KEPT_COUNT: Final = 50_000
"""Ended executions of Standard machines; of more the oldest are forgotten, and their names are free again."""
EXPRESS_KEPT_COUNT: Final = 200
"""AWS tells of none; people and tests look at the last ones."""
LEVEL: Final = 6
"""Of zlib, its default: beside a history that is known it finds twice as much as level 1, in half a millisecond."""
WINDOW_BYTES: Final = 32_768
"""How far back zlib looks (RFC 1951)."""
ALIKE: Final = ("inputDetails", "outputDetails", "encryptionConfiguration")
"""What nearly all executions have alike, each in a copy of its own; ministack replaces these, and changes none."""

Execution = MutableMapping[str, Any]


class PackedHistory:
    """The events of an execution, as ministack's list of them: it can be iterated, counted and added to."""

    __slots__ = ("_alike", "_count", "_packed")

    def __init__(self, events: list[Any], alike: bytes = b"") -> None:
        """Pack `events` beside `alike`, another history as `written` returns it."""
        packer = zlib.compressobj(LEVEL, zdict=alike)
        self._alike, self._count = alike, len(events)
        self._packed = packer.compress(written(events)) + packer.flush()

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def __iter__(self) -> Iterator[Any]:
        """Unpack them."""
        return iter(json.loads(zlib.decompressobj(zdict=self._alike).decompress(self._packed)))

    def append(self, event: Any) -> None:
        """Add one, where an execution is redriven."""
        self.__init__([*self, event], self._alike)  # type: ignore[misc] # it has no other state


def written(events: list[Any]) -> bytes:
    """Return events as bytes."""
    return json.dumps(events, separators=(",", ":")).encode()


class FirstHistories:
    """The first history of each machine, which those after it resemble. Threads may share it."""

    def __init__(self) -> None:
        self._histories: dict[str, bytes] = {}

    def like(self, machine_arn: str, events: list[Any]) -> bytes:
        """Return the first history of a machine, b"" for the first one itself."""
        first = self._histories.get(machine_arn)
        if first is None:
            self._histories[machine_arn] = written(events)[-WINDOW_BYTES:]
        return first or b""


class EndedExecutions:
    """ARNs of the executions that have ended, oldest first, of each kind of machine."""

    def __init__(self, kept_count: int) -> None:
        self._kept_count = kept_count
        self._arns: dict[str, None] = {}
        self._lock = threading.Lock()

    def add(self, arn: str) -> list[str]:
        """Note the end of one, and return those that are too many now."""
        with self._lock:
            self._arns.pop(arn, None)
            self._arns[arn] = None
            over_count = max(0, len(self._arns) - self._kept_count)
            return [self._pop_oldest() for _ in range(over_count)]

    def remove(self, arn: str) -> None:
        """Note that one runs again."""
        with self._lock:
            self._arns.pop(arn, None)

    def _pop_oldest(self) -> str:
        oldest = next(iter(self._arns))
        del self._arns[oldest]
        return oldest


def pack(execution: Execution, firsts: FirstHistories) -> None:
    """Pack what only a look at the history needs, share what others have, and drop what only a redrive would need."""
    if not isinstance(execution["events"], PackedHistory):
        events = list(execution["events"])
        execution["events"] = PackedHistory(events, firsts.like(execution["stateMachineArn"], events))
    for name in ALIKE:
        if name in execution:
            execution[name] = _alike(json.dumps(execution[name]))
    execution["stateMachineArn"] = sys.intern(execution["stateMachineArn"])
    if execution["status"] == "SUCCEEDED":
        execution.pop(POSITION, None)


@cache
def _alike(text: str) -> Any:
    return json.loads(text)


def unpack(execution: Execution) -> None:
    """Make the history a list again, of an execution that goes on."""
    execution["events"] = list(execution["events"])


def apply() -> None:
    """Pack where the bus is told of an end, which is the last that is done for an execution."""
    tell, firsts = sfn._emit_execution_status_event, FirstHistories()
    kinds = {"STANDARD": EndedExecutions(STANDARD_KEPT_COUNT), "EXPRESS": EndedExecutions(EXPRESS_KEPT_COUNT)}

    def tell_and_pack(execution: Execution) -> None:
        tell(execution)
        arn = execution["executionArn"]
        machine = sfn._state_machines.get(execution["stateMachineArn"]) or {}
        ended = kinds["EXPRESS" if machine.get("type") == "EXPRESS" else "STANDARD"]
        if execution.get("stopDate"):
            pack(execution, firsts)
            for oldest in ended.add(arn):
                sfn._executions.pop(oldest, None)
        elif isinstance(execution["events"], PackedHistory):
            unpack(execution)
            ended.remove(arn)

    sfn._emit_execution_status_event = tell_and_pack
