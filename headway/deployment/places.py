"""Where things lie on this machine unless a command is told otherwise; each place is said here once.

The configuration is the project's: `headway_cdk.project`.
"""

from pathlib import Path
from typing import Final

from headway_cdk.resources import STATE_FOLDER

STATE_DIR: Final = Path(STATE_FOLDER)
"""State of the embedded cloud and keys of the simulated vendors, in the folder where a command runs."""
ASSEMBLY_FOLDER: Final = "assembly"
"""Of a state folder: the cloud assembly."""
DEMO_STATE_DIR: Final = STATE_DIR / "demo"
ASSEMBLY: Final = STATE_DIR / ASSEMBLY_FOLDER
"""The cloud assembly of the folder where a command runs: demo and tests share it."""
SIMULATOR_PORT: Final = 9100
"""Where `headway vendor` listens on 127.0.0.1, and where `headway up` expects every vendor."""
