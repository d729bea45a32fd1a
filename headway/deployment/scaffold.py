"""A new project: a copy of the example project under another name."""

import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from re import fullmatch
from typing import Final

from headway_cdk.project import NAME
from headway_cdk.resources import SCAFFOLD

from headway.errors import UsageProblem

EXAMPLE: Final = "shop"
"""The example's name: wherever it stands, in texts and in names of files, the new project's comes."""


def write(name: str, parent: Path) -> Sequence[Path]:
    """Write the project `name` into a new folder of `parent`, whole or not at all; returns its files.

    UsageProblem for a name that is none, and where there is something already.
    """
    if not fullmatch(NAME, name):
        raise UsageProblem(f"{name!r} is no name of a project; it has to match {NAME}, such as `shop`")
    target = parent / name
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageProblem(f"{target}: exists and is not an empty folder; take another name, or --directory")
    if not parent.is_dir():
        raise UsageProblem(f"{parent}: there is no such folder; make it, or take another --directory")
    source = SCAFFOLD
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=parent) as beside:
        copy = Path(beside) / name  # a folder of its own: the temporary one is its owner's alone
        files = [_copy(path, source, copy, name) for path in _files(source)]
        if target.exists():
            target.rmdir()  # Windows renames onto no folder, not even an empty one
        copy.rename(target)
    return [target / file for file in files]


def _files(source: Path) -> Sequence[Path]:
    """Return the files of the example without what its own .gitignore leaves out: what running it has made."""
    ignored = [line.rstrip("/") for line in (source / ".gitignore").read_text().splitlines() if line]
    found = (path for path in sorted(source.rglob("*")) if path.is_file())
    return [path for path in found if not _matches(path.relative_to(source), ignored)]


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(part, pattern) for part in path.parts for pattern in patterns)


def _copy(path: Path, source: Path, copy: Path, name: str) -> Path:
    """Copy one file under the new name; returns where it is in the project."""
    relative = Path(str(path.relative_to(source)).replace(EXAMPLE, name))
    written = copy / relative
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(path.read_text().replace(EXAMPLE, name))
    return relative
