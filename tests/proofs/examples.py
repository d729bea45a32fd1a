"""`make examples`: every example runs by `headway run` on an embedded cloud of its own, one after the other.

    python -m tests.proofs.examples [NAME ...]

Each is copied into an empty folder, deployed, and its samples are run against simulated vendors. A row says how its
lines ended, how long they took, and what the vendors saw; what has to be true beyond that is in EXPECTED. Exit code 1
where something is not so.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from headway_cdk.configuration import load_vendors
from headway_cdk.project import Project, find, workflow_of
from rich.table import Table

from headway.operations import buckets
from headway.terminal import console
from headway.testing.lab_vendor import LabVendor, in_process
from headway.testing.laboratory import Laboratory, deployed
from headway.testing.waiting import until
from tests.checkout import ROOT

LONGEST_S: Final = 240
"""For the lines of one example."""
FOLDER: Final = ROOT / "examples"
OTHERS: Final = frozenset({"shop"})
"""`shop` is what `make project` types."""


class NotAsExpected(Exception):  # noqa: N818 - says what happened
    """An example did something else."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is so beyond lines that succeed: options of the vendors, files, and a look at the cloud afterwards."""

    vendors: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    upload: str | None = None
    look: Callable[[Laboratory, Sequence[Any]], None] = lambda _, __: None


def losers_are_cancelled(lab: Laboratory, results: Sequence[Any]) -> None:
    """The slower vendor's jobs are called off, and nobody waits for any of them."""
    if {result["vendor"] for result in results} != {"swift"}:
        raise NotAsExpected(f"won by {[result['vendor'] for result in results]}")
    slow, lane = lab.vendors["steady"], lab.lane_of("steady")
    until(lambda: slow.report().jobs_by_status == {"canceled": len(results)}, patience_s=60)
    client = lab.target.client("stepfunctions")
    running = client.list_executions(stateMachineArn=lane.call_vendor_machine_arn, statusFilter="RUNNING")
    if running["executions"] or lab.backlog(lane.request_queue_url):
        raise NotAsExpected("something of the loser still waits")


def every_line_has_a_result(lab: Laboratory, results: Sequence[Any]) -> None:
    """The file of results has a line for each note."""
    [result] = results
    parts: list[bytes] = []
    for key in result["succeeded"]:
        buckets.get(lab.connection, key, parts.append, bucket=None)
    lines = [json.loads(line)["line"] for line in b"".join(parts).splitlines()]
    wanted = len((FOLDER / "any_length" / "notes.jsonl").read_text().splitlines())
    if sorted(lines) != list(range(wanted)) or result["failed"]:
        raise NotAsExpected(f"results of {len(lines)} of {wanted} lines")


EXPECTED: Final[Mapping[str, Expected]] = {
    "first_answer": Expected({"steady": {"--job-time": 40}}, look=losers_are_cancelled),
    "any_length": Expected(upload="notes.jsonl", look=every_line_has_a_result),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one example's lines."""

    workflow: str
    lines_count: int
    took_s: float
    jobs: Mapping[str, int]


def run_example(name: str, scratch: Path) -> list[Outcome]:
    """Deploy an example, run its samples and look. Raises NotAsExpected."""
    expected = EXPECTED.get(name, Expected())
    project = find(Path(shutil.copytree(FOLDER / name, scratch / name)))
    state_dir = project.state_dir
    with ExitStack() as stack:
        vendors = [
            stack.enter_context(in_process(state_dir, one, _options(project, one, expected)))
            for one in sorted(file.vendor.name for file in load_vendors(project.configuration, project.stage))
        ]
        lab = stack.enter_context(deployed(state_dir, vendors, project=project, assembly=state_dir / "assembly"))
        if expected.upload:
            buckets.put(lab.connection, project.root / expected.upload, bucket=None, key=None)
        outcomes = []
        for file in project.workflow_files:
            outcome, results = _run(project, workflow_of(file), vendors)
            expected.look(lab, results)
            outcomes.append(outcome)
        if denied := lab.denials():
            raise NotAsExpected(f"denied: {denied[0]}")
        return outcomes


def _options(project: Project, vendor: str, expected: Expected) -> Mapping[str, object]:
    contract = project.configuration / "vendors" / f"{vendor}.yaml"
    return {"--contract": contract, "--job-time": 1, **expected.vendors.get(vendor, {})}


def _run(project: Project, workflow: str, vendors: Sequence[LabVendor]) -> tuple[Outcome, Sequence[Any]]:
    source = project.workflows / "samples" / f"{workflow}.jsonl"
    command = [sys.executable, "-c", "from headway.cli import main; main()", "run", workflow, "--input", str(source)]
    began_s = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own words
        [*command, "--no-report", "--quiet"],
        cwd=project.root,
        timeout=LONGEST_S,
        capture_output=True,
        text=True,
        check=False,
    )
    took_s = time.monotonic() - began_s
    lines_count = len(source.read_text().splitlines())
    written = source.with_suffix(".results.jsonl")
    records = [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []
    if [record["outcome"] for record in records] != ["succeeded"] * lines_count:
        raise NotAsExpected(f"{workflow}: {records} {done.stderr}")
    jobs = {f"{vendor.name} {status}": n for vendor in vendors for status, n in vendor.report().jobs_by_status.items()}
    return Outcome(workflow, lines_count, took_s, jobs), [record["output"] for record in records]


def names() -> list[str]:
    """Return the examples that have samples, sorted."""
    return sorted(path.name for path in FOLDER.iterdir() if (path / "workflows/samples").is_dir())


def main(chosen: Sequence[str]) -> int:
    """Run them and print a table; 1 where one is not as expected."""
    table = Table("example", "workflow", "lines", "seconds", "jobs at the vendors")
    failed = False

    def tell(*cells: str) -> None:
        table.add_row(*cells)
        print(*cells, sep=" | ", file=sys.stderr, flush=True)  # noqa: T201 - who waits for the table sees it grow

    for name in chosen or [name for name in names() if name not in OTHERS]:
        with TemporaryDirectory(prefix="headway-examples-") as scratch:
            try:
                outcomes = run_example(name, Path(scratch).resolve())
            except Exception as problem:
                failed = True
                tell(name, type(problem).__name__, "", "", str(problem)[:400])
                continue
        for one in outcomes:
            jobs = ", ".join(f"{count} {what}" for what, count in sorted(one.jobs.items()))
            tell(name, one.workflow, str(one.lines_count), f"{one.took_s:.1f}", jobs)
    console().print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
