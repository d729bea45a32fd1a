"""The proof of the faults: its rows fit the sources, and a row holds only where red and green are as they should be."""

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from headway.cloud.strictness import LENIENT_VARIABLE, refusals
from tests.checkout import ROOT
from tests.proofs.faults import GREEN, RED, StaleRowError, Verdict, changed, chosen, judge
from tests.proofs.table import FAULTS, Change, Fault

CHANGE = Change("code.py", "right", "wrong")
FAULT = Fault(name="fault", words="", changes=(CHANGE,), test="test_code.py::test_it", refusals=("one", "other"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text("is_right = 1\n")
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_row_fits_the_sources(fault: Fault) -> None:
    for change in fault.changes:
        assert (ROOT / change.file).read_text().count(change.old) == 1, change
        assert change.new != change.old
    file, test = fault.test.split("::")
    tree = ast.parse((ROOT / file).read_text())
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert set(fault.refusals) <= set(refusals())


def test_rows_have_names_of_their_own_and_are_chosen_by_them() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert list(chosen([])) == list(FAULTS)
    assert list(chosen([FAULTS[1].name])) == [FAULTS[1]]
    with pytest.raises(SystemExit, match="no fault is called absent"):
        chosen(["absent"])


def test_a_change_is_taken_out_again_whatever_happens(root: Path) -> None:
    inside: list[str] = []

    def broken() -> None:
        with changed(root, (CHANGE,)):
            inside.append((root / "code.py").read_text())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert inside == ["is_wrong = 1\n"]
    assert (root / "code.py").read_text() == "is_right = 1\n"


@pytest.mark.parametrize("text", ["nothing", "right and right"])
def test_a_text_that_is_not_there_once_makes_a_row_stale(root: Path, text: str) -> None:
    (root / "code.py").write_text(text)
    with pytest.raises(StaleRowError, match=r"code\.py: 'right' stands there"), changed(root, (CHANGE,)):
        pass
    assert (root / "code.py").read_text() == text


def runs(root: Path, fault: Fault) -> list[tuple[str, str]]:
    """Return the code and the refusals left out, run by run."""
    seen: list[tuple[str, str]] = []

    def run_test(test: str, variables: Mapping[str, str]) -> int:
        assert test == fault.test
        seen.append(((root / "code.py").read_text().strip(), variables[LENIENT_VARIABLE]))
        return GREEN

    judge(fault, root, run_test)
    return seen


def test_a_fault_is_run_with_all_refusals_and_with_its_own_left_out(root: Path) -> None:
    assert runs(root, FAULT) == [("is_wrong = 1", ""), ("is_wrong = 1", "one,other")]


def test_a_fault_that_no_refusal_shows_is_compared_with_the_sources_as_they_are(root: Path) -> None:
    assert runs(root, replace(FAULT, refusals=())) == [("is_wrong = 1", ""), ("is_right = 1", "")]


@pytest.mark.parametrize("shown", [GREEN, RED, 2, 4])
@pytest.mark.parametrize("hidden", [GREEN, RED, 2, 4])
def test_a_row_holds_where_it_is_red_with_the_fault_and_green_without(shown: int, hidden: int) -> None:
    verdict = Verdict(FAULT, shown, hidden, 1.0)
    assert verdict.holds is ((shown, hidden) == (RED, GREEN))
    assert ("DOES NOT HOLD" in verdict.line()) is not verdict.holds
