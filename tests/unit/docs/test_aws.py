"""`docs/aws.md` leaves out no refusal, and every test that it names exists."""

import re
from pathlib import Path

import pytest

from headway.cloud.strictness import refusals
from tests.checkout import ROOT
from tests.proofs.table import FAULTS

AWS = (ROOT / "docs" / "aws.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
TESTS = {path.name: path for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("name", refusals())
def test_what_is_refused_has_its_row_with_witnesses_and_its_place_among_the_gaps(name: str) -> None:
    rows = [line for line in AWS.splitlines() if line.startswith("|") and re.search(rf"\b{name}\b", line)]
    assert rows, "docs/aws.md"
    assert f"`{name}`" in ARCHITECTURE, "docs/architecture.md"


def test_every_test_that_a_row_names_exists() -> None:
    named = {Path(name).name for name in re.findall(r"[\w/]*test_\w+\.py", AWS)}
    assert named
    assert sorted(named - TESTS.keys()) == []


def test_every_row_has_witnesses() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in AWS.splitlines()
        if re.match(r"\|[^|]+\|[^|]+\|[^|]+\|[^|]+\|$", line) and not line.startswith(("|---", "| what AWS does"))
    ]
    assert len(rows) > 80, "the tables are not read any more"
    assert [row[0] for row in rows if not all(row)] == []


def test_every_known_fault_has_its_row() -> None:
    rows = [line for line in AWS.splitlines() if line.startswith("|")]
    for fault in FAULTS:
        [row] = [line for line in rows if line.startswith(f"| {fault.name} |")]
        assert fault.words in row
        assert all(f"`{refusal}`" in row for refusal in fault.refusals)
    assert f"All {len(FAULTS)} rows" in AWS
