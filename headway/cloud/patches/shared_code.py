"""All workers of a bundle run from one copy of its files, compiled once, as AWS mounts one image for all of them.

Unpacking 500 files per worker, and compiling them in each, took a laptop longer than everything else of a start.
"""

import hashlib
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime

_unpacking = threading.Lock()


class SharedZip(zipfile.ZipFile):
    """A zip whose members are links to one copy of them, which is unpacked once per content."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Link every entry of the top level into `path`."""
        if path is None or members is not None or not isinstance(self.filename, str):
            super().extractall(path, members, pwd)
            return
        shared = self._unpacked(hashlib.sha256(Path(self.filename).read_bytes()).hexdigest())
        for entry in shared.iterdir():
            (Path(path) / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())

    def _unpacked(self, digest: str) -> Path:
        shared = Path(tempfile.gettempdir()) / f"headway-code-{digest}"
        with _unpacking:
            if not shared.is_dir():
                half = shared.with_suffix(".half")
                shutil.rmtree(half, ignore_errors=True)
                super().extractall(half)
                half.rename(shared)
        return shared


class SharingZipfile:
    """The module `zipfile`, with another ZipFile."""

    ZipFile = SharedZip

    def __getattr__(self, name: str) -> Any:
        """Return what the module has."""
        return getattr(zipfile, name)


def apply() -> None:
    """Let workers unpack by linking."""
    lambda_runtime.zipfile = SharingZipfile()
