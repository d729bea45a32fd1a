"""Which execution a line of a run's input has: from the results file, or from its name where it has not ended yet."""

from pathlib import Path
from typing import Final, NamedTuple

from headway.deployment.connection import Connection
from headway.deployment.run_names import execution_name
from headway.errors import UsageProblem
from headway.run.executions import execution_arn
from headway.run.line_index import LineIndex
from headway.run.lines import BadLine, read_line
from headway.run.preparation import route_of
from headway.run.results import beside, read_records
from headway.run.source import LineSource

RESULTS_ENDING: Final = "results.jsonl"


class LinePlace(NamedTuple):
    """A line of a file, counted from 1."""

    source: Path
    number: int


def line_of(text: str) -> LinePlace | None:
    """Read FILE:LINE; None where no file is called so. The results file stands for its input."""
    name, _, number = text.rpartition(":")
    path = Path(name)
    if not name or not number.isdigit() or not path.is_file():
        return None
    ending = f".{RESULTS_ENDING}"
    if path.name.endswith(ending):
        path = path.with_name(path.name.removesuffix(ending) + ".jsonl")
    return LinePlace(path, int(number))


def execution_of_line(connection: Connection, line: LinePlace, workflow: str, vendor: str | None = None) -> str:
    """Return the ARN of the execution that a line was started as last, or is to be started as. `vendor` is for lines
    that name none. UsageProblem where the line cannot be called.
    """
    found = None
    for record in read_records(beside(line.source, RESULTS_ENDING)):
        if record.line == line.number and record.execution is not None:
            found = record.execution
    return found or _first_execution(connection, line, workflow, vendor)


def _first_execution(connection: Connection, line: LinePlace, workflow: str, vendor: str | None) -> str:
    route, machines = route_of(connection, workflow, str(line.source.resolve()), vendor)
    source, index = LineSource.open(line.source), LineIndex()
    try:
        for number, _, raw in source.lines():
            read = read_line(number, raw, route, name=str(line.source), occurrence=index.occurrence)
            if number == line.number:
                if isinstance(read, BadLine):
                    raise UsageProblem(read.reason)
                return execution_arn(machines[read.vendor], execution_name(read.key, 1))
    finally:
        index.close()
        source.close()
    raise UsageProblem(f"{line.source}:{line.number}: there is no such line, or it is blank")
