"""What the report needs of the calls that have ended, a hundred bytes of each; outputs are in the results file."""

from array import array
from collections.abc import Collection, Iterator
from typing import Final

from headway.deployment.run_names import execution_name
from headway.report.model import CallTimes
from headway.run.results import STARTED, TIMES, Record

_NONE: Final = -1


class CallLog(Collection[CallTimes]):
    """Calls of one vendor as numbers; a CallTimes is made when it is asked for.

    A call counts as queued from the start of its execution: the ledger hears of it only when the dispatcher takes it
    out of the request queue.

    Of the causes of each error only the first by line is kept.
    """

    def __init__(self) -> None:
        self._lines = array("q")
        self._times = array("q")
        self._kinds = array("l")
        self._attempts = array("l")
        self._keys = bytearray()
        self._names: dict[tuple[str, str | None], int] = {}
        self._causes: dict[int, tuple[int, str]] = {}

    def add(self, record: Record) -> None:
        """Keep what the report needs of a record."""
        kind = self._names.setdefault((record.outcome.value, record.error), len(self._names))
        self._lines.append(record.line)
        self._kinds.append(kind)
        self._attempts.append(_NONE if record.execution is None else record.attempt or _NONE)
        self._times.extend(record.times.get(name, _NONE) for name in TIMES)
        self._keys += bytes.fromhex(record.key)
        if record.cause and record.line < self._causes.get(kind, (record.line + 1, ""))[0]:
            self._causes[kind] = (record.line, record.cause)

    def __len__(self) -> int:
        """Count the calls."""
        return len(self._lines)

    def __contains__(self, call: object) -> bool:
        """Whether a call is among them."""
        return any(each == call for each in self)

    def __iter__(self) -> Iterator[CallTimes]:
        """Return the calls in the order in which they ended."""
        names = list(self._names)
        width, key_bytes = len(TIMES), len(self._keys) // max(1, len(self))
        for index, (line, kind) in enumerate(zip(self._lines, self._kinds, strict=True)):
            row = self._times[index * width : (index + 1) * width]
            times = {name: value for name, value in zip(TIMES, row, strict=True) if value != _NONE}
            key = self._keys[index * key_bytes : (index + 1) * key_bytes].hex()
            outcome, error = names[kind]
            first_line, cause = self._causes.get(kind, (_NONE, None))
            yield CallTimes(
                execution=key if self._attempts[index] == _NONE else execution_name(key, self._attempts[index]),
                line=line,
                outcome=outcome,
                error=error,
                cause=cause if line == first_line else None,
                queued_epoch_ms=times.get(STARTED),
                sending_epoch_ms=times.get("sending_epoch_ms"),
                accepted_epoch_ms=times.get("accepted_epoch_ms"),
                answered_epoch_ms=times.get("answered_epoch_ms"),
                resumed_epoch_ms=times.get("resumed_epoch_ms"),
                finished_epoch_ms=times.get("finished_epoch_ms"),
            )
