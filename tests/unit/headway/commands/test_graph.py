"""`headway graph`: where a machine and a run come from, and where the picture goes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headway.cli import app
from headway.deployment import connection
from headway.deployment.connection import Connection
from headway.deployment.stage import DeployedWorkflow
from headway.errors import UsageProblem
from headway.operations.histories import PAGE_COUNT
from tests.unit.headway.connections import stage_of
from tests.unit.headway.graph.histories import SHIPMENT, Told, failed_shipment

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:headway-dev-shipment"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:headway-dev-shipment:order-17"


def graph(*words: str) -> Result:
    return CliRunner().invoke(app, ["graph", *words])


class StepFunctions:
    """Has one execution, whose history comes in pages of two events."""

    def __init__(self) -> None:
        from botocore.exceptions import ClientError

        self.gone = ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeStateMachineForExecution")
        self.asked: list[dict[str, Any]] = []

    def describe_state_machine_for_execution(self, **words: str) -> dict[str, Any]:
        if words != {"executionArn": EXECUTION}:
            raise self.gone
        return {"definition": SHIPMENT.read_text()}

    def get_paginator(self, name: str) -> "StepFunctions":
        assert name == "get_execution_history"
        return self

    def paginate(self, **words: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(words)
        events = failed_shipment()
        yield from ({"events": events[place : place + 2]} for place in range(0, len(events), 2))


class Target:
    region = "us-east-1"

    def __init__(self) -> None:
        self.step_functions = StepFunctions()

    def client(self, name: str) -> StepFunctions:
        assert name == "stepfunctions"
        return self.step_functions

    def table(self, name: str) -> Any:
        raise AssertionError(name)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    """What `connect` finds: a stage with one workflow, which has run."""
    made = Target()
    stage = stage_of({}, {"shipment": DeployedWorkflow(MACHINE, ("replicate",))})
    monkeypatch.setattr(connection, "connect", lambda *_, **__: Connection("local", made, stage))
    return made


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "order-17.json"
    path.write_text(json.dumps({"events": failed_shipment()}))
    return path


def test_a_workflow_of_the_package_is_drawn_by_its_name() -> None:
    result = graph("call_vendor")
    assert result.exit_code == 0
    assert result.stdout.startswith("<svg ")
    assert "FetchResult" in result.stdout


def test_a_file_in_yaml_is_drawn_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "m.asl.yaml"
    path.write_text("StartAt: A\nStates:\n  A:\n    Type: Succeed\n")
    assert graph(str(path), "--format", "mermaid").stdout.startswith('---\ntitle: "m"\n---\nflowchart TD\n')


def test_a_workflow_of_the_project_here_comes_before_one_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.headway]\n")
    (tmp_path / "workflows" / "call_vendor.asl.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Fail"}}}')
    monkeypatch.chdir(tmp_path)
    document = json.loads(graph("call_vendor", "--json").stdout)
    assert [state["name"] for state in document["states"]] == ["A"]


def test_a_picture_goes_into_a_file(tmp_path: Path) -> None:
    result = graph("call_vendor", "--output", str(tmp_path / "c.svg"))
    assert (result.stdout, result.exit_code) == ("", 0)
    assert (tmp_path / "c.svg").read_text().startswith("<svg ")


def test_a_run_is_asked_for_by_its_name_page_by_page(target: Target) -> None:
    document = json.loads(graph("shipment", "--run", "order-17", "--json").stdout)
    assert document["run"]["status"] == "FAILED"
    assert {"source": "ShipLines", "target": "Refund", "count": 1} in document["run"]["taken"]
    assert target.step_functions.asked == [
        {"executionArn": EXECUTION, "includeExecutionData": False, "maxResults": PAGE_COUNT}
    ]


def test_a_run_is_asked_for_by_its_arn_and_drawn_by_its_own_definition(target: Target) -> None:
    result = graph("whatever", "--run", EXECUTION)
    assert "order-17: FAILED after 24.7 s" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shipment", "--run", "order-18"), "no execution of shipment is called so"),
        (("call_vendor", "--run", "order-17"), "call_vendor is not deployed in stage dev, which has shipment"),
    ],
)
def test_a_run_that_there_is_not_is_one_line(target: Target, words: tuple[str, ...], said: str) -> None:
    result = graph(*words)
    assert isinstance(result.exception, UsageProblem)
    assert said in str(result.exception)


def test_a_saved_history_is_drawn_over_the_file(history: Path) -> None:
    assert "order-17: FAILED" in graph(str(SHIPMENT), "--history", str(history)).stdout


def test_a_history_of_another_machine_is_refused(history: Path) -> None:
    assert "call_vendor.asl.json: has no state 'AskCarrier'" in str(
        graph("call_vendor", "--history", str(history)).exception
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "not JSON"),
        ("{}", "no history"),
        ('[{"id": 1}]', "no history"),
        ("[1]", "no history"),
    ],
)
def test_a_file_that_is_no_history_is_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "h.json"
    if content is not None:
        path.write_text(content)
    refused = graph("call_vendor", "--history", str(path)).exception
    assert isinstance(refused, UsageProblem)
    assert f"{path}: {said}" in str(refused)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent", None, "absent: no such file, and no workflow of that name; there is call_vendor, dispatch_call"),
        ("m.json", "{", "m.json: not JSON"),
        ("m.yaml", "a: !Sub b", "m.yaml: not YAML"),
        ("m.json", "[]", "m.json: no object"),
        ("m.json", "{}", "m.json: no state machine"),
    ],
)
def test_what_is_no_machine_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content)
    refused = graph(name).exception
    assert isinstance(refused, UsageProblem)
    assert said in str(refused)
    assert "\n" not in str(refused)


def test_a_run_and_a_history_contradict_each_other(history: Path) -> None:
    assert graph("call_vendor", "--run", "r", "--history", str(history)).exit_code == 2


def test_a_history_that_has_just_begun_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "begun.json"
    path.write_text(json.dumps(Told().events))
    assert "begun: RUNNING" in graph("call_vendor", "--history", str(path)).stdout
