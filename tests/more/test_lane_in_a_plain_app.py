"""The constructs in somebody's own CDK app: the lines that `docs/author.md` shows, run in a new project's folder."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from headway.deployment import scaffold
from headway.deployment.synthesis import lint, node
from tests.checkout import ROOT

LINES_AT_MOST: Final = 10
"""From `app = App()` on, a statement that is broken over lines counted once."""
TITLE: Final = "## In a CDK app of your own"
CHECKED: Final = """
import sys
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

class CheckedApp(App):
    def synth(self, **options):
        Validations.of(self).add_plugins(AwsSolutionsChecks(self, verbose=True))
        return super().synth(**options)

import aws_cdk
aws_cdk.App = CheckedApp
exec(compile(sys.stdin.read(), "docs/author.md", "exec"))
"""
"""Runs an app with the security rules added, which a plain app does not have."""


@pytest.fixture(scope="module")
def lines() -> str:
    section = (ROOT / "docs" / "author.md").read_text().partition(TITLE)[2].partition("\n## ")[0]
    [block] = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def assembly(lines: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("plain")
    scaffold.write("shop", parent)
    output = parent / "cdk.out"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", CHECKED],
        input=lines,
        cwd=parent / "shop",
        env={**os.environ, "CDK_OUTDIR": str(output), "JSII_NODE": node()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="module")
def resources(assembly: Path) -> Mapping[str, Any]:
    [template] = assembly.glob("*.template.json")
    found: Mapping[str, Any] = json.loads(template.read_text())["Resources"]
    return found


def test_the_app_is_of_ten_lines_and_makes_one_stack_with_the_lane_and_the_machine(
    lines: str, resources: Mapping[str, Any]
) -> None:
    app = lines.partition("\n\napp = ")[2]
    statements = [line for line in app.splitlines() if line and not line.startswith((" ", ")"))]
    assert len(statements) <= LINES_AT_MOST, statements
    machines = {name_of(one) for one in resources.values() if one["Type"] == "AWS::StepFunctions::StateMachine"}
    assert machines == {
        "headway-dev-replicate-call-vendor",
        "headway-dev-replicate-dispatch-call",
        "headway-dev-workflows-order",
    }


def test_the_rules_of_cfn_lint_and_cdk_nag_find_nothing_in_it(assembly: Path) -> None:
    found = lint(assembly)
    assert (found.refuses, list(found.errors)) == (False, []), found.complaint
    reports = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    assert [violation for report in reports for violation in report["violations"]] == []


def test_who_is_granted_calls_may_start_the_vendors_machine_and_nothing_else_of_the_lane(
    resources: Mapping[str, Any],
) -> None:
    [policy] = [
        one["Properties"]["PolicyDocument"]["Statement"]
        for one in resources.values()
        if one["Type"] == "AWS::IAM::Policy" and "Functionuseresult" in json.dumps(one["Properties"]["Roles"])
    ]
    started = [said for said in policy if said["Action"] == "states:StartExecution"]
    assert [
        json.dumps(said["Resource"]).count("stateMachine:headway-dev-replicate-call-vendor") for said in started
    ] == [1]
    actions = {
        action
        for said in policy
        for action in ([said["Action"]] if isinstance(said["Action"], str) else said["Action"])
    }
    assert actions == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "states:DescribeExecution",
        "states:StartExecution",
        "states:StopExecution",
    }


def name_of(machine: Mapping[str, Any]) -> str:
    return str(machine["Properties"]["StateMachineName"])
