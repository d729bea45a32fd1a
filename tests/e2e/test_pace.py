"""The contract as the vendor itself sees it, over a whole run of `headway run`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.testing.laboratory import Laboratory
from tests.command_line import good, lines, records, run


@pytest.fixture(autouse=True)
def forgetful(lab: Laboratory) -> Iterator[None]:
    """Let the vendor forget what other tests did, and what a test here did."""
    lab.vendor.reset()
    yield
    lab.vendor.reset()


def test_a_run_of_forty_calls_never_breaks_the_contract_and_asks_for_nothing_twice(
    lab: Laboratory, tmp_path: Path
) -> None:
    source = lines(tmp_path / "forty.jsonl", *(good(f"picture {number}") for number in range(40)))
    exit_code, _, _ = run(lab, source, "--no-report")
    seen = lab.vendor.report().scopes
    assert exit_code == 0
    assert [record["outcome"] for record in records(source).values()] == ["succeeded"] * 40
    assert (seen["submit"].limit, seen["submit"].call_count) == ("10/1", 40)
    assert seen["submit"].refused_count == seen["submit"].violation_count == 0
    assert seen["submit"].worst_window_count <= 10
    assert 40 <= seen["poll"].call_count <= 44, "a fetch changes nothing: its queue may deliver it twice"
    assert seen["poll"].refused_count == seen["poll"].violation_count == 0
