"""What is kept of a running embedded cloud, in `cloud.json` of the state folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

STATE_FILE: Final = "cloud.json"


@dataclass(frozen=True, slots=True)
class CloudState:
    """A running embedded cloud; `pid` with `created_epoch_s` names one process even after pids are reused."""

    pid: int
    created_epoch_s: float
    port: int
    endpoint_url: str
    started_epoch_s: int
    tmp_dir: str
    lenient: str = ""
    """Value of HEADWAY_LENIENT that it was started with."""


def read_state(path: Path) -> CloudState | None:
    """Return what a file says, None where there is none."""
    try:
        return CloudState(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def write_state(path: Path, state: CloudState) -> None:
    """Replace the file as a whole: a reader sees the old state or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(state), indent=2) + "\n")
    partial.replace(path)
