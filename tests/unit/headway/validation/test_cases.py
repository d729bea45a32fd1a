"""Machines with the shape of public bug reports: those that cannot work are found, and no error in the others."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from headway.validation.files import check_paths
from headway.validation.finding import Severity
from tests.cloud.definitions import CASES

MACHINES = json.loads(CASES.read_text())
RULES = {
    "bad-leaves-its-map": "unknown-target",
    "bad-jsonata-syntax": "jsonata-syntax",
    "bad-jsonata-type": "jsonata-type",
    "bad-no-token": "token-missing",
    "bad-undefined": "missing-value",
}


@pytest.mark.parametrize("case", MACHINES, ids=[case["name"] for case in MACHINES])
def test_a_case_is_found_by_its_rule_or_not_at_all(case: Any, tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(case["definition"], indent=1))
    outcome = check_paths([path])
    found = {one.rule for one in outcome.findings}
    wanted = RULES.get(case["name"])
    assert (wanted in found) if wanted else (found == set())
    assert outcome.exit_code == (1 if wanted else 0)


def test_a_field_that_the_caller_may_send_is_a_warning_in_a_machine_that_does_more(tmp_path: Path) -> None:
    reads = {"Type": "Pass", "Output": {"v": "{% $states.input.header.id %}"}, "Next": "Done"}
    states = {"Read": reads, "Done": {"Type": "Succeed"}}
    (tmp_path / "m.json").write_text(json.dumps({"QueryLanguage": "JSONata", "StartAt": "Read", "States": states}))
    outcome = check_paths([tmp_path / "m.json"])
    assert [(one.rule, one.severity) for one in outcome.findings] == [("missing-value", Severity.WARNING)]
    assert outcome.exit_code == 0


def test_three_hundred_states_take_less_than_a_second(tmp_path: Path) -> None:
    states: dict[str, Any] = {
        f"Step{index}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Arguments": {
                "QueueUrl": "${Queue}",
                "MessageBody": {
                    "token": "{% $states.context.Task.Token %}",
                    "row": f"{{% $merge([{{'n': {index}}}, $states.input.row]) %}}",
                },
            },
            "TimeoutSeconds": 600,
            "HeartbeatSeconds": 300,
            "Assign": {f"answer{index}": "{% $states.result.answer %}"},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
            "Next": f"Step{index + 1}",
        }
        for index in range(299)
    }
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Step0",
        "States": {**states, "Step299": {"Type": "Pass", "Next": "Done"}},
    }
    machine["States"]["Done"] = {"Type": "Succeed"}  # type: ignore[index]
    (tmp_path / "large.asl.json").write_text(json.dumps(machine))
    before = time.process_time()
    outcome = check_paths([tmp_path / "large.asl.json"])
    assert [one for one in outcome.findings if one.severity is not Severity.NOTE] == []
    assert time.process_time() - before < 1


def test_a_look_at_a_machine_loads_nothing_that_only_contracts_functions_and_simulations_need(tmp_path: Path) -> None:
    path = tmp_path / "machine.asl.json"
    path.write_text(json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}))
    code = f"""
import sys
from headway.cli import app
app(["validate", {str(path)!r}], standalone_mode=False)
heavy = ("jsonschema", "aws_lambda_powertools", "boto3", "headway_lane.limiter")
print([name for name in heavy if name in sys.modules])
"""
    words = [sys.executable, "-c", code]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert ended.stdout.splitlines()[-1] == "[]"
