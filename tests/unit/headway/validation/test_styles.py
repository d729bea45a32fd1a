"""No false error: sixty machines in the styles of public samples, and a reason for each warning."""

from pathlib import Path

import pytest

from headway.validation.files import check_paths
from headway.validation.finding import Severity
from tests.unit.headway.validation.styles import machines

MACHINES = list(machines())
MEANT: dict[tuple[str, str], str] = {}
"""What the machine shows, and rule -> why the warning is right."""


def test_there_are_sixty() -> None:
    assert len(MACHINES) == 60
    assert len({text for _, _, text in MACHINES}) == 60


@pytest.mark.parametrize(("shows", "name", "text"), MACHINES, ids=[shows for shows, _, _ in MACHINES])
def test_no_sample_has_an_error_or_a_warning_without_a_reason(shows: str, name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    found = check_paths([tmp_path / name]).findings
    assert [one for one in found if one.severity is Severity.ERROR] == []
    assert [one for one in found if (shows.partition(" of ")[0], one.rule) not in MEANT] == []
