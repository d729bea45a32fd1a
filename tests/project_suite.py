"""The tests of a project, run as its author runs them."""

import os
import subprocess
import sys
from pathlib import Path


def run_suite(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project, without what this process's own pytest and its plugins have put into the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "-p", "no:cacheprovider", *words]
    return subprocess.run(  # noqa: S603 - our own words
        command, cwd=root, capture_output=True, text=True, check=False, env=environment
    )
