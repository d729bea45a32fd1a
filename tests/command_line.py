"""`headway run` over a file of lines, in this process, and what it wrote."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from headway.cli import app
from headway.testing.laboratory import WORKFLOW, Laboratory


def lines(path: Path, *written: str) -> Path:
    """Write an input file."""
    path.write_text("".join(line + "\n" for line in written))
    return path


def good(prompt: str) -> str:
    """Return a line that `replicate` takes."""
    return json.dumps({"payload": {"version": "v1", "input": {"prompt": prompt}}})


def run(lab: Laboratory, source: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    """Run the workflow; returns exit code, the JSON document, and what was said beside it."""
    places = ["--state-dir", str(lab.state_dir), "--config-dir", str(lab.project.configuration)]
    result = CliRunner().invoke(app, ["run", WORKFLOW, "--input", str(source), *places, "--json", *more])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {}, result.stderr


def records(source: Path) -> dict[int, dict[str, Any]]:
    """Return the results file by line."""
    written = source.with_name(source.stem + ".results.jsonl").read_text().splitlines()
    return {record["line"]: record for record in map(json.loads, written)}
