"""Files that the code needs beside it: workflows, schemas, presets, the lock of the bundle. One way to find them.

An editable install maps packages only and no top-level folder, so nobody else may look for these beside its own file.
"""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The checkout."""


def resource(name: str) -> Path:
    """Return the file or folder of a name such as `workflows` or `config/appconfig`."""
    return ROOT / name


WORKFLOWS: Final = resource("workflows")
CONFIGURATION_FOLDER: Final = "config/appconfig"
"""Where contract and tuning files lie, in this checkout and in every project."""
STATE_FOLDER: Final = ".headway"
"""Where state of the embedded cloud and keys of simulated vendors lie, in the folder of a project."""
CONFIGURATION: Final = resource(CONFIGURATION_FOLDER)
"""Schemas, contract and tuning files of this checkout: what every command reads unless told otherwise."""
FUNCTIONS_LOCK: Final = resource("requirements/functions.lock")
LANE: Final = resource("functions/headway_lane")
"""The package that the functions run."""
