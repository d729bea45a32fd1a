"""`headway validate`: what is wrong with contract files and machines, in one line each."""

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
    assert mux.startswith(f"{presets / 'mux.yaml'}:1:1: error contract-refused: `(top level)`: ")
    assert twilio.startswith(f"{presets / 'twilio.yaml'}:2:1: error unreadable: not YAML: ")
    assert absent.startswith(f"{presets / 'absent.yaml'}:1:1: error unreadable: there is no such file; ")


def test_machines_get_json(directory: Path) -> None:
    path = directory / "vendors" / "replicate.yaml"
    path.write_text(path.read_text().replace("timeout_s: 10", "timeout_s: 40", 1))
    code, said, _ = validate(directory, "--json")
    [found] = json.loads(said)
    assert (code, found["file"]) == (2, str(path))
    assert "`submit.timeout_s`: 40 is greater than the maximum of 29" in found["why"]
    assert path.read_text().splitlines()[found["line"] - 1].strip() == "timeout_s: 40"


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
    assert (code, ": error contract-refused: `shares` come to 1.1" in complained) == (2, True)
    path.write_text(f"{shipped}\nshares: {{test: 0.01, prod: 0.8}}\n")
    code, _, complained = validate(directory)
    assert (code, "`shares.test` is 0.01, which leaves less than one call" in complained) == (2, True)


def machine(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "order.asl.json"
    path.write_text(text)
    return path


ENDLESS = """{
 "StartAt": "Ask",
 "States": {"Ask": {
  "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
  "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}}, "End": true}}
}"""
LIMITED = ENDLESS.replace('"End"', '"TimeoutSeconds": 60, "HeartbeatSeconds": 30, "End"')


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["validate", *words])
    return result.exit_code, result.stdout, result.stderr


def test_a_broken_machine_ends_with_1_and_a_line_that_says_where(tmp_path: Path) -> None:
    path = machine(tmp_path, ENDLESS)
    code, said, complained = run(str(path))
    assert (code, said) == (1, "")
    assert complained.startswith(f"{path}:3:13: error callback-endless: `Ask` waits for ever")


def test_a_warning_fails_only_who_is_strict(tmp_path: Path) -> None:
    path = machine(tmp_path, LIMITED)
    code, said, complained = run(str(path))
    assert (code, said) == (0, f"{path}: can be used\n")
    assert ": warning timeout-not-caught: " in complained
    assert run(str(path), "--strict")[0] == 1


def test_a_folder_is_all_that_is_in_it(tmp_path: Path) -> None:
    machine(tmp_path, ENDLESS)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "other.asl.json").write_text("{")
    code, _, complained = run(str(tmp_path))
    assert (code, complained.count("\n")) == (1, 1)


def test_a_rule_is_explained_and_a_name_that_is_none_is_corrected() -> None:
    code, said, _ = run("--explain", "token-missing")
    assert (code, said.startswith("## token-missing\n")) == (0, True)
    result = CliRunner().invoke(app, ["validate", "--explain", "token-mising"])
    assert "did you mean 'token-missing'?" in str(result.exception)
