"""What a workflow would be, before anything is deployed: what an author's own tests ask."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.configuration import ConfigurationError, load_vendors
from headway_cdk.project import Project, find
from headway_cdk.resources import SCAFFOLD
from headway_cdk.workflow_sketch import sketch


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = Path(shutil.copytree(SCAFFOLD, tmp_path / "shop"))
    with (root / "pyproject.toml").open("a") as file:
        file.write('[tool.headway.tables.stock]\npartition_key = "article"\n')
        file.write('[tool.headway.resources]\norder_management = "queue"\nnews = "event bus"\n')
    return find(root)


def write(project: Project, *states: dict[str, Any]) -> None:
    named = {f"S{number}": state for number, state in enumerate(states)}
    (project.workflows / "refund.asl.json").write_text(json.dumps({"StartAt": "S0", "States": named}))


WAITING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Arguments": {"QueueUrl": "${ReplicateRequestQueueUrl}"},
    "TimeoutSeconds": "${ReplicateCallTimeoutSeconds}",
    "End": True,
}


def test_grants_are_by_the_names_of_things(project: Project) -> None:
    table = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Arguments": {"TableName": "${StockTable}"},
    }
    write(project, WAITING, table)
    sketched = sketch(project, "refund")
    assert sketched.grants == {
        "sqs:SendMessage": ["replicate/request-queue"],
        "dynamodb:PutItem": ["tables/stock"],
    }
    assert sketched.waits_for == {"replicate"}


def test_what_the_projects_own_app_gives_is_granted_by_its_name(project: Project) -> None:
    telling = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": "${OrderManagementQueueUrl}"},
    }
    event = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Arguments": {"Entries": [{"EventBusName": "${NewsBus}"}]},
    }
    write(project, telling, event)
    assert sketch(project, "refund").grants == {
        "sqs:SendMessage": ["resources/order_management"],
        "events:PutEvents": ["resources/news"],
    }


def test_the_definition_has_the_contracts_numbers_and_no_placeholder(project: Project) -> None:
    write(project, WAITING)
    state = sketch(project, "refund").definition["States"]["S0"]
    [files] = load_vendors(project.configuration)
    assert state["TimeoutSeconds"] == files.vendor.call_timeout_s
    assert state["Arguments"] == {"QueueUrl": "replicate/request-queue"}


def test_a_machine_that_starts_itself_is_named_as_it_will_be(project: Project) -> None:
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    write(project, {"Type": "Map", "ItemProcessor": inner, "End": True})
    assert sketch(project, "refund").grants["states:StartExecution"] == ["stateMachine:headway-dev-workflows-refund"]


def test_a_workflow_that_could_not_be_deployed_is_refused_with_its_file(project: Project) -> None:
    write(project, WAITING | {"Arguments": {"QueueUrl": "${ReplicateQueueUrl}"}})
    with pytest.raises(ConfigurationError, match=r"refund\.asl\.json: `\$\{ReplicateQueueUrl\}` stands for nothing"):
        sketch(project, "refund")


def test_a_project_needs_no_schemas_of_its_own(project: Project) -> None:
    assert not list(project.configuration.rglob("*.schema.json"))
    contract = project.configuration / "vendors" / "replicate.yaml"
    contract.write_text(contract.read_text().replace("timeout_s: 10", "timeout_s: 40", 1))
    with pytest.raises(ConfigurationError, match=r"`submit\.timeout_s`: 40 is greater than the maximum of 29"):
        sketch(project, "order")
