"""Machines of a project: what its deployment knows is asked, and what ships has nothing against it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from headway_cdk.project import Project, find
from headway_cdk.resources import SCAFFOLD, WORKFLOWS

from headway.deployment.synthesis import synthesize
from headway.errors import SynthesisFailed
from headway.validation.files import check_paths, check_project
from headway.validation.finding import Finding, Severity
from tests.checkout import ROOT
from tests.unit.docs.author import project_with_review

WAITING: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Arguments": {
        "QueueUrl": "${ReplicateRequestQueueUrl}",
        "MessageBody": {"task_token": "{% $states.context.Task.Token %}"},
    },
    "TimeoutSeconds": "${ReplicateCallTimeoutSeconds}",
    "HeartbeatSeconds": "${ReplicateCallHeartbeatSeconds}",
    "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}],
    "End": True,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return find(Path(shutil.copytree(SCAFFOLD, tmp_path / "shop")))


def found(project: Project, **changes: Any) -> list[Finding]:
    machine = {"QueryLanguage": "JSONata", "StartAt": "Ask", "States": {"Ask": {**WAITING, **changes}}}
    path = project.workflows / "ask.asl.json"
    path.write_text(json.dumps(machine, indent=1))
    named = check_paths([path]).findings
    assert named == [one for one in check_project(project).findings if one.file == str(path)]
    return named


def test_what_ships_and_what_the_documents_show_has_nothing_against_it(tmp_path: Path) -> None:
    assert check_paths([WORKFLOWS, ROOT / "examples"]).findings == []
    assert check_project(find(SCAFFOLD)).findings == []
    assert check_project(find(project_with_review(tmp_path))).findings == []


def test_the_vendors_own_limits_are_right(project: Project) -> None:
    assert found(project) == []


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"TimeoutSeconds": 600, "HeartbeatSeconds": "{% 5 %}"}, "${ReplicateCallTimeoutSeconds}"),
        ({"HeartbeatSeconds": 60}, "${ReplicateCallHeartbeatSeconds}"),
        ({"Arguments": {**WAITING["Arguments"], "QueueUrl": "${ReplicateResultsQueueUrl}"}}, "${ReplicateFetch"),
    ],
)
def test_limits_that_a_backlog_outlasts_are_found(project: Project, changes: dict[str, Any], fix: str) -> None:
    told = found(project, **changes)
    assert {(one.rule, one.state) for one in told} == {("wait-too-short", "Ask")}
    assert all(fix in one.fix for one in told)


@pytest.mark.parametrize(("heartbeat_s", "is_found"), [(119, True), (120, True), (121, False)])
def test_a_heartbeat_outlasts_the_vendors_progress_interval(project: Project, heartbeat_s: int, is_found: bool) -> None:
    contract = project.configuration / "vendors" / "replicate.yaml"
    written = yaml.safe_load(contract.read_text())
    written["callback"]["progress_every_s"] = 120
    contract.write_text(yaml.safe_dump(written))
    told = [one for one in found(project, HeartbeatSeconds=heartbeat_s) if one.rule == "heartbeat-below-progress"]
    assert [(one.severity, one.fix) for one in told] == [
        (Severity.ERROR, "make it more than 120: `${ReplicateCallHeartbeatSeconds}`")
    ] * is_found


def test_a_placeholder_that_stands_for_nothing_is_found_where_it_is(project: Project) -> None:
    arguments = {**WAITING["Arguments"], "MessageGroupId": "${ReplicateClaimBucket}"}
    [one] = found(project, Arguments=arguments)
    assert (one.rule, one.fix, one.line) == ("unbound-placeholder", "did you mean `${ReplicateClaimsBucket}`?", 13)


@pytest.mark.parametrize(
    ("resource", "arguments"),
    [
        ("arn:aws:states:::sns:publish", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"}),
        ("arn:aws:states:::sqs:sendMessage", {"QueueUrl": "{% $states.input.queue %}", "MessageBody": "m"}),
    ],
)
def test_a_call_from_which_no_grant_follows_is_found_and_may_be_meant(
    project: Project, resource: str, arguments: dict[str, Any]
) -> None:
    [one] = found(project, Resource=resource, Arguments=arguments)
    assert one.rule == "no-grant"
    said = "headway: ignore no-grant: granted in cdk/app.py"
    assert found(project, Resource=resource, Arguments=arguments, Comment=said) == []


def test_a_setting_that_no_machine_uses_is_found(project: Project) -> None:
    file = project.root / "pyproject.toml"
    file.write_text(file.read_text().replace("[tool.headway.settings]", '[tool.headway.settings]\nGreeting = "hello"'))
    [one] = check_project(find(project.root)).findings
    assert (one.rule, one.file) == ("unused-placeholder", str(file))
    assert file.read_text().splitlines()[one.line - 1].startswith("Greeting = ")


def test_synth_refuses_a_machine_that_cannot_work_with_the_same_words(project: Project, tmp_path: Path) -> None:
    [one] = found(project, Resource="arn:aws:states:::sqs:sendMesage.waitForTaskToken")
    with pytest.raises(SynthesisFailed, match=one.rule):
        synthesize(tmp_path / "cdk.out", project)
