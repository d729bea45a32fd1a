"""Documents lead somewhere: every relative link to a file that is there, and to a heading that is in it."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tests.checkout import ROOT
from tests.unit.docs.documents import tracked

LONGEST = {"README.md": 100, "docs/architecture.md": 250}
LONGEST_ADR = 100

FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def prose_of(path: Path) -> str:
    """Return a document without its blocks of code and its code words."""
    return re.sub(r"`[^`\n]*`", lambda code: code[0].replace("[", "("), FENCE.sub("", path.read_text()))


@cache
def anchors_of(path: Path) -> frozenset[str]:
    """Return the anchors that GitHub makes of a document's headings."""
    seen: Counter[str] = Counter()
    anchors = []
    for heading in HEADING.findall(FENCE.sub("", path.read_text())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")
        anchors.append(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(anchors)


def links() -> Iterator[tuple[Path, str]]:
    """Yield every relative link of every document."""
    for path in tracked("*.md"):
        for target in LINK.findall(prose_of(path)):
            if not re.match(r"[a-z]+:", target):
                yield path, target


def test_every_relative_link_leads_to_a_file_and_a_heading_of_it() -> None:
    broken = []
    for path, target in links():
        name, _, anchor = unquote(target).partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or (anchor and anchor not in anchors_of(there)):
            broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)


def test_no_link_leads_out_of_the_repository() -> None:
    assert all((path.parent / target.partition("#")[0]).resolve().is_relative_to(ROOT) for path, target in links())


def test_documents_stay_as_short_as_a_reader_has_patience() -> None:
    longest = LONGEST | {path.relative_to(ROOT).as_posix(): LONGEST_ADR for path in tracked("docs/adr/*.md")}
    long = [name for name, lines in longest.items() if len((ROOT / name).read_text().splitlines()) >= lines]
    assert not long


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    graph: dict[Path, list[Path]] = {}
    for path, target in links():
        graph.setdefault(path, []).append((path.parent / unquote(target).partition("#")[0]).resolve())
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += graph.get(path, [])
            if path.is_dir():
                waiting += path.glob("*.md")
    assert {path for path in tracked("docs/*.md") if path not in reached} == set()


def test_a_hop_of_the_readme_has_one_line_and_one_folder() -> None:
    table = (ROOT / "README.md").read_text().partition("## Hop by hop")[2].partition("\n\n##")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| \d+ \|", line)]
    assert {int(row.split("|")[1]) for row in rows} == set(range(1, 12))
    for row in rows:
        [target] = LINK.findall(row)
        assert (ROOT / target).is_dir()
        assert len(row) < 220
