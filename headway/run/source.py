"""The input as bytes, read twice: once from end to end, then each line at its place when it is its turn."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from headway.errors import RunRefused

STANDARD_INPUT: Final = Path("-")
STANDARD_INPUT_NAME: Final = Path("stdin")
"""In its place: results and report lie beside a file of this name."""


class RawLine(NamedTuple):
    """A line that is not blank: its number, where it begins, and its bytes."""

    number: int
    offset: int
    raw: bytes


class LineSource:
    """An open input. What cannot be read twice (a pipe) is copied to a temporary file first."""

    def __init__(self, file: BinaryIO, name: Path) -> None:
        self._file = file
        self.name = name

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, or standard input for `-`. Raises RunRefused where that is not possible."""
        if path == STANDARD_INPUT:
            return cls(_copy(sys.stdin.buffer), STANDARD_INPUT_NAME)
        try:
            file = path.open("rb")
            if file.seekable():
                return cls(file, path)
            with file:
                return cls(_copy(file), path)
        except OSError as error:
            raise RunRefused(f"{path}: {error.strerror}; give a file of JSON lines with --input") from error

    def lines(self, limit: int | None = None) -> Iterator[RawLine]:
        """Read from the beginning to the end, at most `limit` lines; blank ones are none."""
        offset, count = 0, 0
        self._file.seek(0)
        for number, raw in enumerate(self._file, start=1):
            if raw.strip():
                if count == limit:
                    return
                count += 1
                yield RawLine(number, offset, raw.removesuffix(b"\n"))
            offset += len(raw)

    def at(self, offset: int) -> bytes:
        """Read the line that begins at an offset."""
        self._file.seek(offset)
        return self._file.readline().removesuffix(b"\n")

    def close(self) -> None:
        """Close the input."""
        self._file.close()


def _copy(pipe: BinaryIO) -> BinaryIO:
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 - it is the LineSource's to close
    shutil.copyfileobj(pipe, spooled)
    return spooled
