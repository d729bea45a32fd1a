"""`headway synth`: what it says of good templates."""

import subprocess
import sys
from pathlib import Path

from headway_cdk.names import base_stack, lane_stack, state_stack
from headway_cdk.stages import DEFAULT_STAGE

from headway.testing.laboratory import VENDOR


def test_the_templates_for_aws_are_written_and_nothing_is_found_in_them(tmp_path: Path) -> None:
    output = tmp_path / "cdk.out"
    command = [str(Path(sys.executable).parent / "headway"), "synth", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stderr
    *sizes, verdict = done.stdout.splitlines()
    assert verdict == "cdk-nag: 0 errors; cfn-lint: 0 errors"
    templates = sorted(output.glob("*.template.json"))
    names = [base_stack(DEFAULT_STAGE), lane_stack(DEFAULT_STAGE, VENDOR), state_stack(DEFAULT_STAGE, VENDOR)]
    assert [template.name for template in templates] == [f"{name}.template.json" for name in names]
    assert sizes == [f"{template.name}: {template.stat().st_size} bytes" for template in templates]
