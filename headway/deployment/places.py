"""Where things lie on this machine unless a command is told otherwise; each place is said here once.

The configuration is another's to say: `headway_cdk.resources.CONFIGURATION`.
"""

from pathlib import Path
from typing import Final

STATE_DIR: Final = Path(".headway")
"""State of the embedded cloud and keys of the simulated vendors, in the folder where a command runs."""
DEMO_STATE_DIR: Final = STATE_DIR / "demo"
ASSEMBLY: Final = STATE_DIR / "assembly"
"""The cloud assembly of the folder where a command runs: demo, tests and `up` share it."""
SIMULATOR_PORT: Final = 9100
"""Where `headway vendor` listens on 127.0.0.1, and where `headway up` expects every vendor."""
