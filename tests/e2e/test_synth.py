"""`headway synth`: what it says of a configuration that cannot be used."""

import shutil
import sys
from pathlib import Path

import pytest
from headway_cdk.resources import EXAMPLE_CONFIGURATION

from headway import cli


def test_a_mistake_in_a_contract_is_one_line_with_file_field_and_fix_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = tmp_path / "appconfig"
    shutil.copytree(EXAMPLE_CONFIGURATION, configuration)
    contract = configuration / "vendors" / "replicate.yaml"
    contract.write_text(contract.read_text().replace("reserved_concurrency: 2", "reserved_concurrency: 1"))
    monkeypatch.setattr(
        sys, "argv", ["headway", "synth", "--config-dir", str(configuration), "--output", str(tmp_path / "cdk.out")]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == (
        f"headway: {contract}: `dispatch.reserved_concurrency` is 1; make it 2 (`maximum_concurrency` +"
        " `urgent_concurrency`) at least, or polled batches are throttled"
    )
    assert not (tmp_path / "cdk.out").exists()
