"""What a project's own app gives its machines to name: found by a parameter, granted by the file, or one clear line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from headway_cdk.project import Project, find

from headway.deployment.synthesis import node

if TYPE_CHECKING:
    from headway_cdk.app import ProjectApp

TELLING = {
    "Type": "Task",
    "Resource": "arn:aws:states:::events:putEvents",
    "Arguments": {"Entries": [{"EventBusName": "${NewsBus}", "Source": "s", "DetailType": "t", "Detail": {}}]},
    "End": True,
}
DECLARED = '[tool.headway.resources]\nnews = "event bus"\n'

Give = Callable[["ProjectApp"], Any]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "workflows").mkdir()
    machine = {"QueryLanguage": "JSONata", "StartAt": "Tell", "States": {"Tell": TELLING}}
    (tmp_path / "workflows" / "tell.asl.json").write_text(json.dumps(machine))
    (tmp_path / "pyproject.toml").write_text(DECLARED)
    return find(tmp_path)


@pytest.fixture
def app(project: Project, monkeypatch: pytest.MonkeyPatch) -> "ProjectApp":
    """Return the app of a project without vendors."""
    monkeypatch.setenv("JSII_NODE", node())  # before anything imports aws_cdk
    from headway_cdk import app

    monkeypatch.setattr(app, "load_vendors", lambda *_: ())
    return app.ProjectApp(project, project.workflows)


def test_a_bus_that_is_given_is_found_by_its_parameter_and_granted_without_an_export(app: "ProjectApp") -> None:
    from aws_cdk import aws_events as events

    app.give("news", events.EventBus(app.resources, "News"))
    assert app.workflows is not None
    assert [stack.stack_name for stack in app.workflows.dependencies] == ["Headway-dev-resources"]
    made = app.app.synth()
    resources, workflows = (
        made.get_stack_by_name(stack.stack_name).template for stack in (app.resources, app.workflows)
    )
    [published] = [one for one in resources["Resources"].values() if one["Type"] == "AWS::SSM::Parameter"]
    assert published["Properties"]["Name"] == "/headway/dev/resources/news"
    [name] = [key for key, one in workflows["Parameters"].items() if one.get("Default", "").endswith("/resources/news")]
    policies = json.dumps([one for one in workflows["Resources"].values() if one["Type"] == "AWS::IAM::Policy"])
    assert json.dumps({"Action": "events:PutEvents", "Effect": "Allow", "Resource": {"Ref": name}}) in policies
    assert [word for word in ("Fn::ImportValue", '"Export"') if word in json.dumps([resources, workflows])] == []


def _undeclared(app: "ProjectApp") -> None:
    from aws_cdk import aws_events as events

    app.give("papers", events.EventBus(app.resources, "Papers"))


def _of_another_kind(app: "ProjectApp") -> None:
    from aws_cdk import aws_sqs as sqs

    app.give("news", sqs.Queue(app.resources, "News"))


def _in_the_stack_of_the_machines(app: "ProjectApp") -> None:
    from aws_cdk import aws_events as events

    assert app.workflows is not None
    app.give("news", events.EventBus(app.workflows, "News"))


@pytest.mark.parametrize(
    ("give", "said"),
    [
        (_undeclared, "pyproject.toml: `tool.headway.resources` lacks `papers`, which cdk/app.py gives; it has news"),
        (
            _of_another_kind,
            "cdk/app.py: what is given as `news` is no event bus, as `tool.headway.resources` of pyproject.toml says",
        ),
        (
            _in_the_stack_of_the_machines,
            "cdk/app.py: `news` is in the stack of the machines; make it in `ProjectApp.resources`",
        ),
        (lambda app: None, "cdk/app.py: `news` of `tool.headway.resources` is never given; `ProjectApp.give` it"),
    ],
)
def test_what_cannot_be_given_ends_the_app_with_one_line(
    app: "ProjectApp", give: Give, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def do() -> None:
        give(app)
        app.synth()

    with pytest.raises(SystemExit) as ended:
        do()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"{said}\n"
