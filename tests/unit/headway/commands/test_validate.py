"""`headway validate`: what is wrong with contract files, in one line each."""

import json
import shutil
from pathlib import Path

import pytest
from headway_cdk.resources import CONFIGURATION, EXAMPLE_CONFIGURATION
from typer.testing import CliRunner

from headway.cli import app


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE_CONFIGURATION, tmp_path / "appconfig"))


def validate(directory: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["validate", "--config-dir", str(directory), *words])
    return result.exit_code, result.stdout, result.stderr


def test_what_ships_can_be_used(directory: Path) -> None:
    code, said, _ = validate(directory)
    assert (code, said) == (0, f"{directory / 'vendors' / 'replicate.yaml'}: can be used\n")


def test_every_wrong_file_has_its_line_and_the_others_theirs(directory: Path) -> None:
    presets = Path(shutil.copytree(CONFIGURATION / "presets", directory / "presets"))
    (presets / "mux.yaml").write_text("vendor: mux\n")
    (presets / "twilio.yaml").write_text("{")
    words = [str(presets / f"{name}.yaml") for name in ("mux", "onfido", "twilio", "absent")]
    code, said, complained = validate(directory, *words)
    assert (code, said) == (2, f"{presets / 'onfido.yaml'}: can be used\n")
    mux, twilio, absent = complained.splitlines()
    assert mux.startswith(f"{presets / 'mux.yaml'}: `(top level)`: ")
    assert twilio.startswith(f"{presets / 'twilio.yaml'}: not YAML: ")
    assert absent == f"{presets / 'absent.yaml'}: there is no such file"


def test_machines_get_json(directory: Path) -> None:
    path = directory / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("timeout_s: 10", "timeout_s: 40", 1))
    code, said, _ = validate(directory, "--json")
    [found] = json.loads(said)
    assert (code, found["file"]) == (2, str(path))
    assert "`submit.timeout_s`: 40 is greater than the maximum of 29" in found["problem"]


def test_a_tuning_is_checked_with_the_whole(directory: Path) -> None:
    (directory / "tuning" / "replicate.yaml").write_text("delay_ms: -1\nrate_per_s: 1\n")
    code, _, complained = validate(directory)
    assert code == 2
    assert "`delay_ms`: -1 is less than the minimum of 0" in complained


def test_shares_are_checked_for_every_stage_that_they_name_whichever_is_deployed(directory: Path) -> None:
    path = directory / "vendors" / "replicate.yaml"
    shipped = path.read_text()
    path.write_text(f"{shipped}\nshares: {{test: 0.2, prod: 0.8}}\n")
    assert validate(directory)[:2] == (0, f"{path}: can be used\n")
    path.write_text(f"{shipped}\nshares: {{test: 0.3, prod: 0.8}}\n")
    code, _, complained = validate(directory)
    assert (code, complained.startswith(f"{path}: `shares` come to 1.1")) == (2, True)
    path.write_text(f"{shipped}\nshares: {{test: 0.01, prod: 0.8}}\n")
    code, _, complained = validate(directory)
    assert (code, "`shares.test` is 0.01, which leaves less than one call" in complained) == (2, True)
