"""Presets: contract files of known vendors, to begin one's own from."""

import re
from pathlib import Path

from headway_cdk.resources import CONFIGURATION

from headway.errors import UsageProblem


def names() -> list[str]:
    """Return the names of all presets, sorted."""
    return sorted(path.stem for path in (CONFIGURATION / "presets").glob("*.yaml"))


def write(vendor: str, preset: str, configuration: Path) -> Path:
    """Write the contract file of a vendor from a preset, and return it.

    UsageProblem where there is no such preset, or a file already.
    """
    if preset not in names():
        raise UsageProblem(f"no preset {preset!r}; there is {', '.join(names())}")
    path = configuration / "vendors" / f"{vendor}.yaml"
    if path.exists():
        raise UsageProblem(f"{path}: is there already; take another name, or change it by hand")
    text = (CONFIGURATION / "presets" / f"{preset}.yaml").read_text()
    text = re.sub(r"\A# yaml-language-server: .*\n", "", text)  # the schema lies in the package
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(re.sub(r"(?m)^vendor: \S+", f"vendor: {vendor}", text, count=1))
    return path
