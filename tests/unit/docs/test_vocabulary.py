"""The words of the field, and none of 0.1's own: who knows queues and rate limiters finds the way."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import ROOT
from tests.unit.docs.documents import tracked

GLOSSARY = ROOT / "docs" / "glossary.md"
GONE = {
    *("seat", "seats", "seated", "seating"),
    *("book", "books", "booked", "booking", "bookings", "booker", "bookers"),
    *("brake", "brakes", "braked", "braking"),
    *("mend", "mends", "mended", "mending", "mendable"),
    *("market", "markets"),
    *("letter", "letters"),  # but for dead letters
}
PUT_BACK = ("put", "puts", "putting")
NOT_READ = {
    "CHANGELOG.md": "says what was called how",
    "LICENSE": "is Apache's",
    "requirements": "are names of packages and hashes",
    "tests/unit/docs/test_vocabulary.py": "has to name them",
    "examples/shop/workflows/samples": "are prompts for pictures, such as one of a market in the rain",
}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def words_that_are_gone(text: str) -> Iterator[tuple[int, str]]:
    """Yield each such word of a text with its line, also those inside identifiers of any spelling."""
    before = ""
    for match in WORD.finditer(text):
        word = match[0].lower()
        dead = word in ("letter", "letters") and before == "dead"
        if (word in GONE and not dead) or (word == "back" and before in PUT_BACK):
            yield text.count("\n", 0, match.start()) + 1, f"{before} {word}" if word == "back" else word
        before = word


def read_by_the_test() -> Iterator[tuple[Path, str]]:
    """Yield files with their texts; of the glossary without its last column, which rules words out."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if any(name == kept or name.startswith(f"{kept}/") for kept in NOT_READ):
            continue
        text = path.read_text(errors="ignore")
        if path == GLOSSARY:
            text = "\n".join(line.rpartition("|")[0].rpartition("|")[0] or line for line in text.splitlines())
        yield path, text


def test_no_word_that_is_gone_stands_in_a_tracked_file() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path, text in read_by_the_test()
        for line, word in words_that_are_gone(text)
    ]
    assert not found, "\n".join(found)


def test_no_word_that_is_gone_stands_in_the_name_of_a_file() -> None:
    found = [path.name for path, _ in read_by_the_test() if list(words_that_are_gone(path.stem))]
    assert not found


def test_words_are_found_in_identifiers_of_any_spelling() -> None:
    text = "put_back(SEATS_TAKEN) BookedCall brakesUntil deadLetter DEAD_LETTER dead\nletter letter_of mends"
    found = [word for _, word in words_that_are_gone(text)]
    assert found == ["put back", "seats", "booked", "brakes", "letter", "mends"]


def test_words_that_only_contain_such_a_word_are_left_alone() -> None:
    assert not list(words_that_are_gone("recommend an amended cookbook to marketing"))


def test_what_the_glossary_says_of_a_name_is_so() -> None:
    sources = "\n".join(
        path.read_text(errors="ignore")
        for path in tracked("functions", "cdk", "headway", "workflows", "config")
        if path.suffix in {".py", ".json", ".yaml"}
    )
    names = [
        name
        for line in GLOSSARY.read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| term")
        for name in re.findall(r"`([^`]+)`", line.split("|")[3])
    ]
    assert names
    assert not [name for name in names if not borne(name, sources)]


def borne(name: str, sources: str) -> bool:
    """Return whether a path is there, a command known, or a name, without its dots and places, in the sources."""
    if "/" in name:
        folders = ("", "functions/headway_lane", "headway")
        return any(list((ROOT / folder).glob(name.strip("/"))) for folder in folders)
    bare = re.sub(r"<\w+>|\.\.\.|\[\]|^headway ", "", name)
    return all(part in sources or part.replace("-", "_") in sources for part in re.split(r"[. ]", bare))
