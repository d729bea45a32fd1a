"""What a run still has to start: one line of each queue at hand, the others in the index and the input."""

from collections import Counter
from collections.abc import Iterator, Mapping

from headway.run.line_index import LineIndex
from headway.run.lines import BadLine, Route, read_line
from headway.run.room import QueueName
from headway.run.source import LineSource
from headway.run.worklist import LineAttempt, Todo, choose


class Work:
    """An input and its index; whoever made it closes both."""

    def __init__(self, source: LineSource, index: LineIndex, route: Route) -> None:
        self._source = source
        self._route = route
        self._left = Counter(index.queues)
        self._todo: dict[QueueName, Iterator[Todo]] = {queue: index.todo(queue) for queue in self._left}
        self._next: dict[QueueName, Todo | None] = {}
        self._late: dict[QueueName, list[Todo]] = {}

    @property
    def queues(self) -> list[QueueName]:
        """The queues that any line goes to."""
        return list(self._todo)

    @property
    def left_count(self) -> int:
        """Lines that were not taken yet."""
        return self._left.total()

    def has_left(self, queue: QueueName) -> bool:
        """Whether there are lines of a queue that were not taken yet."""
        return self._left[queue] > 0

    def peek(self, queue: QueueName) -> Todo | None:
        """Return the next line of a queue without taking it."""
        if late := self._late.get(queue):
            return late[0]
        if self._next.get(queue) is None:
            self._next[queue] = next(self._todo[queue], None)
        return self._next[queue]

    def take(self, queue: QueueName) -> None:
        """Take the line that `peek` returned."""
        self._left[queue] -= 1
        if late := self._late.get(queue):
            late.pop(0)
        else:
            self._next[queue] = None

    def give_back(self, todo: Todo) -> None:
        """Take a line up again, before the others."""
        queue = QueueName(todo.vendor, todo.urgent)
        self._left[queue] += 1
        self._late.setdefault(queue, []).append(todo)

    def read(self, todo: Todo) -> LineAttempt | BadLine:
        """Read a line at its place; it is a bad one where something else stands there by now."""
        raw, name = self._source.at(todo.offset), str(self._source.name)
        line = read_line(todo.number, raw, self._route, name=name, occurrence=lambda _: todo.occurrence)
        if isinstance(line, BadLine) or line.key != todo.key:
            reason = f"{name}:{todo.number}: the line was changed while the run went on; run the file again"
            return BadLine(todo.number, todo.key, reason)
        return LineAttempt(line, todo.attempt, todo.failed)


def look_through(
    source: LineSource, index: LineIndex, route: Route, *, limit: int | None, again: bool
) -> Mapping[str, int]:
    """Fill the index with the lines of an input. Returns by vendor how many have succeeded before."""
    skipped: Counter[str] = Counter()
    for number, offset, raw in source.lines(limit):
        line = read_line(number, raw, route, name=str(source.name), occurrence=index.occurrence)
        if isinstance(line, BadLine):
            index.add_bad(line)
        elif (choice := choose(index.past(line.key), again=again)) is None:
            skipped[line.vendor] += 1
        else:
            place = (line.number, offset, line.occurrence, line.key, line.vendor, line.urgent, line.tenant)
            index.add(Todo(*place, choice.attempt, choice.failed))
    return skipped
