"""The hook of `.pre-commit-hooks.yaml` in a repository of somebody's: a machine that cannot work is not committed.

pre-commit would install the repository into an environment of its own; here the hook's entry runs from this one, so
that nothing is fetched.
"""

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.checkout import ROOT

BIN = Path(sys.executable).parent


def committed(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "pre-commit"), "run", "--all-files"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own words


def test_a_broken_machine_is_not_committed_and_a_right_one_is(tmp_path: Path) -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local = {**hook, "language": "system", "entry": f"{BIN / 'headway'} validate"}
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [local]}]}))
    machine = tmp_path / "workflows" / "order.asl.json"
    machine.parent.mkdir()
    machine.write_text(json.dumps({"StartAt": "Ask", "States": {"Ask": {"Type": "Pass", "Next": "Nowhere"}}}))
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)  # noqa: S603, S607 - our own words
    refused = committed(tmp_path)
    assert refused.returncode == 1
    assert "workflows/order.asl.json:1:" in refused.stdout
    assert "error unknown-target" in refused.stdout
    machine.write_text(machine.read_text().replace('"Next": "Nowhere"', '"End": true'))
    assert committed(tmp_path).returncode == 0
