"""`headway new`: files that begin from something that works."""

from pathlib import Path

import pytest
from headway_cdk.configuration import load_contract
from typer.testing import CliRunner, Result

from headway.cli import app
from headway.deployment import presets


def new_vendor(configuration: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["new", "vendor", *words, "--config-dir", str(configuration)])


@pytest.mark.parametrize("preset", presets.names())
def test_a_vendor_begins_from_any_preset_and_can_be_used_at_once(tmp_path: Path, preset: str) -> None:
    assert new_vendor(tmp_path, "acme-2", "--preset", preset).exit_code == 0
    assert load_contract(tmp_path / "vendors" / "acme-2.yaml")["vendor"] == "acme-2"


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    new_vendor(tmp_path, "acme")
    path = tmp_path / "vendors" / "acme.yaml"
    path.write_text("mine")
    refused = new_vendor(tmp_path, "acme")
    assert "is there already" in str(refused.exception)
    assert path.read_text() == "mine"


def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    assert "no preset 'acmee'; there is adyen, assemblyai" in str(
        new_vendor(tmp_path, "acme", "--preset", "acmee").exception
    )
