"""The second machine of `docs/author.md`, typed into a new project as the document says."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Final

from headway.deployment import scaffold
from tests.checkout import ROOT

_TITLE: Final = "## An ASL of your own"
_BLOCK: Final = re.compile(r"^ *```(?:python|json)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def project_with_review(parent: Path) -> Path:
    """Write a project and the files of the document's steps; returns its folder."""
    scaffold.write("bakery", parent)
    steps = (ROOT / "docs" / "author.md").read_text().partition(_TITLE)[2].partition("\n## ")[0]
    names = re.findall(r"^\d\. `([\w/.]+)`", steps, re.MULTILINE)
    for name, block in zip(names[:3], _BLOCK.findall(steps), strict=True):
        path = parent / "bakery" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(block))
    return parent / "bakery"
