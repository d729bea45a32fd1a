import io
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from headway.errors import RunRefused
from headway.run.line_index import LineIndex
from headway.run.lines import Route
from headway.run.results import LineOutcome, Record, ResultsFile
from headway.run.room import QueueName
from headway.run.source import LineSource, RawLine
from headway.run.work import Work, look_through
from headway.run.worklist import LineAttempt

ROUTE = Route(
    "transcribe", ("acme", "globex"), None, "us-east-1:000000000000", "/in", urgent_vendors=frozenset({"acme"})
)
ACME, URGENT, GLOBEX = QueueName("acme", False), QueueName("acme", True), QueueName("globex", False)


def line(n: int, vendor: str, **more: object) -> str:
    return json.dumps({"payload": {"n": n}, "vendor": vendor, **more})


LINES = (
    line(1, "acme"),
    line(1, "acme"),
    "{",
    line(2, "acme", urgent=True),
    "",
    line(3, "globex"),
    line(4, "acme"),
)


@pytest.fixture
def index() -> Iterator[LineIndex]:
    with closing(LineIndex()) as made:
        yield made


def source_of(*lines: str) -> LineSource:
    return LineSource(io.BytesIO("\n".join(lines).encode()), Path("in.jsonl"))


def work_of(index: LineIndex, *lines: str) -> Work:
    source = source_of(*lines)
    look_through(source, index, ROUTE, limit=None, again=False)
    return Work(source, index, ROUTE)


def taken(work: Work, queue: QueueName) -> list[int]:
    numbers = []
    while todo := work.peek(queue):
        work.take(queue)
        numbers.append(todo.number)
    return numbers


def test_each_queue_has_its_lines_in_their_order_whatever_stands_between_them(index: LineIndex) -> None:
    work = work_of(index, *LINES)
    assert (set(work.queues), work.left_count) == ({ACME, URGENT, GLOBEX}, 5)
    assert [taken(work, queue) for queue in (GLOBEX, ACME, URGENT)] == [[6], [1, 2, 7], [4]]
    assert (work.left_count, work.has_left(ACME)) == (0, False)
    assert [bad.number for bad in index.bad()] == [3]


def test_a_line_that_is_given_back_comes_before_the_others(index: LineIndex) -> None:
    work = work_of(index, *LINES)
    first = work.peek(ACME)
    assert first is not None
    work.take(ACME)
    work.give_back(first)
    assert (work.left_count, taken(work, ACME)) == (5, [1, 2, 7])


def test_a_line_is_read_at_its_place_with_the_key_that_it_had(index: LineIndex) -> None:
    work = work_of(index, *LINES)
    keys = set()
    while todo := work.peek(ACME):
        work.take(ACME)
        attempt = work.read(todo)
        assert isinstance(attempt, LineAttempt)
        assert (attempt.line.key, attempt.line.number, attempt.number) == (todo.key, todo.number, 1)
        keys.add(todo.key)
    assert len(keys) == 3, "equal lines are calls of their own"


def test_what_an_earlier_run_recorded_is_not_to_be_called(index: LineIndex, tmp_path: Path) -> None:
    first = work_of(index, *LINES).peek(ACME)
    assert first is not None
    with closing(ResultsFile(tmp_path / "in.results.jsonl")) as file:
        file.append(Record(1, first.key, 1, "arn:1", "acme", LineOutcome.SUCCEEDED, {}, None, None, {}))
    with closing(LineIndex()) as second:
        second.learn(tmp_path / "in.results.jsonl")
        source = source_of(*LINES)
        assert look_through(source, second, ROUTE, limit=None, again=False) == {"acme": 1}
        assert taken(Work(source, second, ROUTE), ACME) == [2, 7]


def test_more_lines_than_a_page_come_one_by_one(index: LineIndex) -> None:
    assert taken(work_of(index, *(line(n, "acme") for n in range(1_203))), ACME) == list(range(1, 1_204))


def test_a_pipe_is_read_like_a_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a\n\nb")
    os.close(writer)
    with closing(LineSource.open(Path(f"/dev/fd/{reader}"))) as source:
        assert list(source.lines()) == [RawLine(1, 0, b"a"), RawLine(3, 3, b"b")]
        assert source.at(3) == b"b"
    os.close(reader)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(RunRefused, match="No such file or directory; give a file of JSON lines"):
        LineSource.open(Path("absent.jsonl"))
