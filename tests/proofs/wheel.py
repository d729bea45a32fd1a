"""The one file that others install: `make wheel` builds it into a folder, and refuses one with another's names."""

import shutil
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.checkout import ROOT
from tests.proofs.sources import build_wheel


def strangers(wheel: Path) -> set[str]:
    """Return the top-level names of a wheel that do not begin with `headway`."""
    with zipfile.ZipFile(wheel) as archive:
        return {top for top in (name.partition("/")[0] for name in archive.namelist()) if not top.startswith("headway")}


def main(folder: Path) -> int:
    """Build the wheel anew and print its path; 1 where it brings a stranger."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="headway-wheel-") as scratch:
        wheel = build_wheel(ROOT, Path(scratch))
        if found := strangers(wheel):
            sys.stderr.write(
                f"{wheel.name} brings {sorted(found)}: package-dir in pyproject.toml may name headway* only\n"
            )
            return 1
        for old in folder.glob("headway-*.whl"):
            old.unlink()
        print(shutil.move(wheel, folder / wheel.name))  # noqa: T201 - the last word of a command
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
