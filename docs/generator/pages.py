"""All that is generated: the picture, the reference, and the marked numbers of every document."""

from collections.abc import Mapping
from pathlib import Path

from docs.generator.drawing import drawing
from docs.generator.patterns import patterns
from docs.generator.reference import reference
from docs.generator.rules import rules_page
from docs.generator.values import ROOT, fill, values

_WHOLE = ("patterns.md", "reference.md", "rules.md")
"""Documents that are written from the code as a whole."""


def pages() -> Mapping[Path, str]:
    """Return every generated or filled file with the text that it should have."""
    docs = ROOT / "docs"
    known = values()
    documents = [ROOT / "README.md", *sorted(docs.rglob("*.md"))]
    return {
        **{path: fill(path.read_text(), known) for path in documents if path.name not in _WHOLE},
        docs / "patterns.md": patterns(),
        docs / "reference.md": reference(),
        docs / "rules.md": rules_page(),
        docs / "one-call.svg": drawing((docs / "one-call.yaml").read_text()),
    }
