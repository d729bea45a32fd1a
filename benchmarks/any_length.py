"""A file of any length through the Distributed Map of `examples/any_length`, on the embedded cloud: are all results
gathered, what does the cloud's own process weigh meanwhile, and how long does it take.

The example's vendor sells far more than two cores can do and answers within a moment. `--open` lines are open at once,
in the place of the example's own number, which follows from its contract.
"""

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import psutil
import typer
from headway_cdk.project import Project, find
from headway_lane.contract.timing import MARGIN_S

from benchmarks.figures import conclude
from headway.operations import buckets
from headway.testing.lab_vendor import in_process
from headway.testing.laboratory import Laboratory, deployed
from tests.checkout import ROOT

BYTES_PER_MB: Final = 1_000_000
RATE_PER_S: Final = 500
JOB_TIME_S: Final = 0.2
LOOK_S: Final = 1.0
SILENCE_S: Final = 300 + MARGIN_S
"""No line ends for longer than a call may wait: the run has failed."""
VENDOR: Final = "scribe"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a file came to."""

    lines_count: int
    gathered_count: int
    doubled_count: int
    seconds: float
    lines_per_s: float
    first_pss_mb: float
    peak_pss_mb: float
    kb_per_line: float

    @property
    def is_whole(self) -> bool:
        """Whether each line has one result, and the vendor was asked once for each."""
        return self.gathered_count == self.lines_count and self.doubled_count == 0


def project_in(folder: Path, lines_count: int, open_count: int) -> Project:
    """Copy the example, with a contract that binds nothing, another number of open lines, and a file of so many."""
    root = Path(shutil.copytree(ROOT / "examples/any_length", folder / "any_length"))
    _write(root / "pyproject.toml", r"MapConcurrency = \d+", f"MapConcurrency = {open_count}")
    _write(root / f"config/appconfig/vendors/{VENDOR}.yaml", r"amount: \d+", f"amount: {RATE_PER_S}")
    with (root / "notes.jsonl").open("w") as file:
        file.writelines(f"{json.dumps({'note': number})}\n" for number in range(lines_count))
    return find(root)


def _write(file: Path, pattern: str, text: str) -> None:
    file.write_text(re.sub(pattern, text, file.read_text(), count=1))


def gather(lab: Laboratory, lines_count: int) -> Gathered:
    """Run the file, and look at the cloud's own process every second. Raises RuntimeError where it fails."""
    if lab.connection.cloud is None:
        raise ValueError("only an embedded cloud can be weighed")
    buckets.put(lab.connection, lab.project.root / "notes.jsonl", bucket=None, key=None)
    client, server = lab.target.client("stepfunctions"), psutil.Process(lab.connection.cloud.pid)
    first_mb = peak_mb = _pss_mb(server)
    began_s = time.monotonic()
    given = json.dumps({"payload": {"key": "notes.jsonl"}})
    arn = client.start_execution(stateMachineArn=lab.stage.workflows["each_line"].arn, name="any-length", input=given)[
        "executionArn"
    ]
    heard = (0, began_s)
    while (execution := lab.execution(arn))["status"] == "RUNNING":
        time.sleep(LOOK_S)
        peak_mb, count = max(peak_mb, _pss_mb(server)), lab.vendors[VENDOR].admitted_count()
        typer.echo(f"{time.monotonic() - began_s:6.0f} s {count:>6} calls {peak_mb:6.1f} MB", err=True)
        if count != heard[0]:
            heard = (count, time.monotonic())
        elif time.monotonic() - heard[1] > SILENCE_S:
            raise RuntimeError(f"nothing goes on after {count} of {lines_count} lines")
    seconds = time.monotonic() - began_s
    if execution["status"] != "SUCCEEDED":
        raise RuntimeError(f"{execution['status']}: {execution.get('error')}: {execution.get('cause')}")
    lines = _lines(lab, json.loads(execution["output"]))
    return Gathered(
        lines_count=lines_count,
        gathered_count=len(set(lines)),
        doubled_count=len(lines) - len(set(lines)) + lab.vendors[VENDOR].report().payload_submitted_twice_count,
        seconds=seconds,
        lines_per_s=lines_count / seconds,
        first_pss_mb=first_mb,
        peak_pss_mb=peak_mb,
        kb_per_line=(peak_mb - first_mb) * 1_000 / lines_count,
    )


def _pss_mb(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / BYTES_PER_MB


def _lines(lab: Laboratory, output: Mapping[str, Any]) -> list[int]:
    """Return the numbers of the lines that the results tell of, in the order of the files."""
    parts: list[bytes] = []
    for key in output["succeeded"]:
        buckets.get(lab.connection, key, parts.append, bucket=None)
    return [json.loads(line)["line"] for line in b"".join(parts).splitlines()]


def main(
    lines: Annotated[int, typer.Option(help="Lines of the file.", min=1)] = 10_000,
    open_lines: Annotated[int, typer.Option("--open", help="Lines that are open at a time.", min=1)] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON, and nothing else.")] = False,
) -> None:
    """Print how long a file takes, and what the embedded cloud's server weighs; exit code 1 where a result is missing.

    For example:

        python -m benchmarks.any_length --lines 1000
    """
    with TemporaryDirectory() as scratch:
        project = project_in(Path(scratch).resolve(), lines, open_lines)
        state_dir = project.state_dir
        contract = project.configuration / "vendors" / f"{VENDOR}.yaml"
        options = {"--contract": contract, "--job-time": JOB_TIME_S}
        with (
            in_process(state_dir, VENDOR, options) as vendor,
            deployed(state_dir, [vendor], project=project, assembly=state_dir / "assembly") as lab,
        ):
            seen = gather(lab, lines)
    conclude(
        f"{lines} lines through a Distributed Map on the embedded cloud",
        asdict(seen),
        ("is_whole", "one result for each line, one call for each", seen.is_whole),
        as_json=as_json,
    )


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
