"""The files of the repository that the tests of documents read: those that git tracks."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.checkout import ROOT


def tracked(*patterns: str) -> Sequence[Path]:
    """Return the files that git tracks, and that are there, by pattern; all without one."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
