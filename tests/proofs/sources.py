"""Copies of this checkout's sources, and ways to run them in place of what is installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping
from pathlib import Path

UV = (sys.executable, "-m", "uv")


def copy_sources(root: Path, target: Path) -> None:
    """Copy what git knows and what it would know: no environment, no state, no cache."""
    listing = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")  # noqa: S603
    for name in filter(None, names):
        if (source := root / name).is_file():  # one that is deleted and not committed is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def packages(root: Path) -> Mapping[str, str]:
    """Return the folder of each top-level package that a checkout installs."""
    folders: Mapping[str, str] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-dir"
    ]
    return folders


def link_packages(root: Path, links: Path) -> Path:
    """Fill `links` with the packages of a checkout under their import names, and return it: one entry for a path."""
    links.mkdir()
    for name, folder in packages(root).items():
        (links / name).symlink_to(root / folder, target_is_directory=True)
    return links


def build_wheel(root: Path, out: Path) -> Path:
    """Build the wheel of a checkout in a copy of its sources, by what is installed and without network."""
    copy = out / "sources"
    copy_sources(root, copy)
    command = [*UV, "build", "--wheel", "--quiet", "--no-build-isolation", "--offline", "--python", sys.executable]
    subprocess.run([*command, "--out-dir", str(out)], cwd=copy, check=True)  # noqa: S603 - our own words
    shutil.rmtree(copy)
    [wheel] = out.glob("*.whl")
    return wheel


def environment_with(installed: str, folder: Path) -> Path:
    """Make a virtual environment in which a wheel, or an editable checkout, lies over the dependencies that are here.

    This checkout cannot be imported in it: its `.pth` file is not read from there. Returns the folder of its scripts.
    """
    subprocess.run([*UV, "venv", "--quiet", "--offline", "--python", sys.executable, str(folder)], check=True)  # noqa: S603
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [*UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    words = ["--python", str(scripts / "python"), *installed.split(" ", 1)]
    subprocess.run([*command, *words], check=True)  # noqa: S603 - our own words
    return scripts
