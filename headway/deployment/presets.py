"""Presets: contract files of known vendors, to begin one's own from."""

import re
from pathlib import Path
from typing import Final

from headway_cdk.resources import CONFIGURATION

from headway.errors import UsageProblem

PRESETS: Final = CONFIGURATION / "presets"


def names() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def contract(vendor: str, preset: str) -> str:
    """Return the contract file of a vendor as a preset has it. UsageProblem where there is no such preset."""
    text = re.sub(r"\A# yaml-language-server: .*\n", "", _file(preset, PRESETS))  # the schema lies in the package
    return re.sub(r"(?m)^vendor: \S+", f"vendor: {vendor}", text, count=1)


def examples(preset: str) -> str:
    """Return what a preset's vendor says: its answer to a submit, and its callbacks or answers to polls."""
    return _file(preset, PRESETS / "examples")


def _file(preset: str, folder: Path) -> str:
    if preset not in names():
        raise UsageProblem(f"no preset {preset!r}; there is {', '.join(names())}")
    return (folder / f"{preset}.yaml").read_text()
