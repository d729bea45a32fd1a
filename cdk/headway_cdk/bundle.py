"""The code that the functions run: the lane's package and its locked dependencies in one folder, built without docker.

Pure Python only: one bundle runs on arm64, on x86_64 and on the laptop, whatever its Python.
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from headway_cdk.resources import FUNCTIONS_LOCK, LANE

LAMBDA_PYTHON: Final = "3.14"
IGNORED: Final = ("__pycache__", "*.pyc")


class BundleError(Exception):
    """The bundle cannot be built."""


def build(directory: Path) -> Path:
    """Build the bundle in `directory`, from scratch, and return it."""
    shutil.rmtree(directory, ignore_errors=True)
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    target = ["--target", str(directory), "--python-version", LAMBDA_PYTHON]
    platform = ["--python-platform", "aarch64-manylinux2014"]
    command = [*uv, *target, *platform, "--only-binary", ":all:", "-r", str(FUNCTIONS_LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise BundleError(f"requirements/functions.lock cannot be installed: {done.stderr.strip()}")
    shutil.rmtree(directory / "bin", ignore_errors=True)
    (directory / ".lock").unlink(missing_ok=True)
    native = [path.name for path in directory.rglob("*.so")]
    if native:
        raise BundleError(f"requirements/functions.lock: {native} are native; the bundle carries pure Python only")
    shutil.copytree(LANE, directory / LANE.name, ignore=shutil.ignore_patterns(*IGNORED))
    return directory


@cache
def built() -> Path:
    """Return the bundle, built once for this process and removed at its end."""
    scratch = tempfile.TemporaryDirectory(prefix="headway-bundle-")
    atexit.register(scratch.cleanup)
    return build(Path(scratch.name) / "bundle")
