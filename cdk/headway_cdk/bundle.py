"""The code that the functions run: the lane's package and its locked dependencies in one folder, built without docker.

Pure Python only: one bundle runs on arm64, on x86_64 and on the laptop, whatever its Python. Built again from the same
package it is the same, byte for byte, so that a deployment updates functions only where their code has changed.
"""

import atexit
import hashlib
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
_LOCK_NAME: Final = f"{LANE.name}/{FUNCTIONS_LOCK.name}"
_OF_THE_INSTALLATION: Final = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""What an installer writes into a `.dist-info` of when, how and where it ran."""


class BundleError(Exception):
    """The bundle cannot be built."""


def build(directory: Path) -> Path:
    """Build the bundle in `directory`, from scratch, and return it."""
    # What uv's cache holds needs no network, and no index is asked again whether it still has it: the hashes decide.
    if _install(directory, "--offline") and (complaint := _install(directory)):
        raise BundleError(f"{_LOCK_NAME} cannot be installed: {complaint}")
    shutil.rmtree(directory / "bin", ignore_errors=True)
    (directory / ".lock").unlink(missing_ok=True)
    native = [path.name for path in directory.rglob("*.so")]
    if native:
        raise BundleError(f"{_LOCK_NAME}: {native} are native; the bundle carries pure Python only")
    shutil.copytree(LANE, directory / LANE.name)
    _make_reproducible(directory)
    return directory


@cache
def built() -> Path:
    """Return the bundle, built once for this process and removed at its end."""
    scratch = tempfile.TemporaryDirectory(prefix="headway-bundle-")
    atexit.register(scratch.cleanup)
    return build(Path(scratch.name) / "bundle")


def digest(directory: Path) -> str:
    """Return the SHA-256 over the names, modes and contents of all files in a folder, in hexadecimal digits."""
    total = hashlib.sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_mode:o}\0{content}\n".encode())
    return total.hexdigest()


def _install(directory: Path, *options: str) -> str:
    """Install the locked packages in an empty `directory`, and return what uv complained of."""
    shutil.rmtree(directory, ignore_errors=True)
    uv = [sys.executable, "-P", "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    target = ["--target", str(directory), "--python-version", LAMBDA_PYTHON]
    # Copies: a link would let the modes below reach into uv's cache.
    wheels = ["--python-platform", "aarch64-manylinux2014", "--only-binary", ":all:", "--link-mode", "copy"]
    command = [*uv, *target, *wheels, *options, "-r", str(FUNCTIONS_LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return done.stderr.strip() or f"uv ended with {done.returncode}" if done.returncode else ""


def _make_reproducible(directory: Path) -> None:
    """Take out what tells of this machine, this moment or this installer, and give all files one mode."""
    for compiled in list(directory.rglob("__pycache__")):
        shutil.rmtree(compiled)
    for name in _OF_THE_INSTALLATION:
        for written in directory.glob(f"*.dist-info/{name}"):
            written.unlink()
    for path in directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
