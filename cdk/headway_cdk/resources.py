"""Files that the code needs beside it: workflows, schemas, presets, the scaffold, the lane with its lock.

They are packages of the one wheel (`package-dir` in pyproject.toml says which folder is which), so an editable install
and a wheel are read alike, and nobody else may look for a file beside its own.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final


def resource(name: str) -> Path:
    """Return the file or folder of a name that begins with an installed package, such as `headway_workflows/samples`.

    FileNotFoundError where the installation lacks it.
    """
    package, _, inside = name.partition("/")
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (found := Path(folder) / inside).exists():
            return found
    raise FileNotFoundError(f"{name} is not in this installation of headway; install its wheel again")


WORKFLOWS: Final = resource("headway_workflows")
CONFIGURATION_FOLDER: Final = "config/appconfig"
"""Where contract and tuning files lie in a project."""
STATE_FOLDER: Final = ".headway"
"""Where state of the embedded cloud and keys of simulated vendors lie, in the folder of a project."""
CONFIGURATION: Final = resource("headway_configuration")
"""Schemas and presets."""
SCAFFOLD: Final = resource("headway_scaffold")
"""The project that `headway init` writes, which is also the example that demo and tests deploy."""
EXAMPLE_CONFIGURATION: Final = SCAFFOLD / CONFIGURATION_FOLDER
LANE: Final = resource("headway_lane")
"""The package that the functions run."""
FUNCTIONS_LOCK: Final = resource("headway_lane/requirements.lock")
"""What else the functions import, by hash."""


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in a fixed order, without what Python compiled there."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def read_by_the_app() -> Iterator[Path]:
    """Yield every installed file that a template may follow from, whatever the configuration."""
    for folder in (resource("headway_cdk"), LANE, WORKFLOWS, CONFIGURATION):
        yield from files_in(folder)
