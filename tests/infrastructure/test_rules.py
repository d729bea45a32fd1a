"""The rules of others: cfn-lint and cdk-nag; and no exception from them without a reason."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.infrastructure.conftest import findings_of

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Probe, Templates

CDK_HABITS = {"W3005": "CDK writes dependencies out that a reference implies"}


def test_cfn_lint_finds_nothing_but_a_habit_of_cdk(templates: "Templates") -> None:
    files = [str(path) for path in templates.files]
    command = [str(Path(sys.executable).parent / "cfn-lint"), "--format", "json", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    found = [(finding["Rule"]["Id"], finding["Message"]) for finding in json.loads(done.stdout or "[]")]
    assert [finding for finding in found if finding[0] not in CDK_HABITS] == [], done.stderr


def test_cdk_nag_reports_no_violation(templates: "Templates") -> None:
    assert list(findings_of(templates.directory)) == []


def test_cdk_nag_runs_and_every_finding_has_its_exception(probe: "Probe") -> None:
    assert probe.findings, "without exceptions there is something to find"
    exceptions = {(exception.path, exception.rule) for exception in probe.exceptions}
    uncovered = [
        finding
        for finding in probe.findings
        if not any(finding.path.startswith(f"{path}/") and finding.rule == rule for path, rule in exceptions)
    ]
    assert uncovered == []


def test_no_exception_is_idle_and_each_has_a_reason_of_its_own_words(probe: "Probe") -> None:
    for exception in probe.exceptions:
        assert any(
            finding.rule == exception.rule and finding.path.startswith(f"{exception.path}/")
            for finding in probe.findings
        ), f"nothing to except at {exception.path} from {exception.rule}"
        assert len(exception.reason.split()) >= 6, f"{exception.path}: {exception.rule} has no reason"
