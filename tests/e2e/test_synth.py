"""`headway synth`: what it says of good templates, and of a configuration that cannot be used."""

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from headway import cli, synthesis
from headway.stack import STACKS


def test_the_templates_for_aws_are_written_and_nothing_is_found_in_them(tmp_path: Path) -> None:
    output = tmp_path / "cdk.out"
    command = [str(Path(sys.executable).parent / "headway"), "synth", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stderr
    *sizes, verdict = done.stdout.splitlines()
    assert verdict == "cdk-nag: 0 errors; cfn-lint: 0 errors"
    templates = sorted(output.glob("*.template.json"))
    assert [template.name for template in templates] == [f"{name}.template.json" for name in STACKS]
    assert sizes == [f"{template.name}: {template.stat().st_size} bytes" for template in templates]


def test_a_mistake_in_a_contract_is_one_line_with_file_field_and_mend_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = tmp_path / "appconfig"
    shutil.copytree(synthesis.CONFIGURATION, configuration)
    contract = configuration / "vendors" / "replicate.yaml"
    contract.write_text(contract.read_text().replace("reserved_concurrency: 2", "reserved_concurrency: 1"))
    monkeypatch.setattr(synthesis, "synthesize", partial(synthesis.synthesize, configuration=configuration))
    monkeypatch.setattr(sys, "argv", ["headway", "synth", "--output", str(tmp_path / "cdk.out")])
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
