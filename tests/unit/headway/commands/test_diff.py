"""`headway diff`: what it prints, and how it ends."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headway.cli import app
from headway.deployment.changes import Effect, ResourceChange, StackChange
from headway.errors import NotRunning
from headway.operations.contract_changes import ContractChange, Need

LANE = "Headway-dev-acme-lane"
QUEUE = ResourceChange("Q1", "Lane/Requests/Queue", "AWS::SQS::Queue", Effect.REPLACE, ("QueueName",), True)
ROLE = ResourceChange("R1", "Lane/Caller/Role", "AWS::IAM::Role", Effect.REMOVE)
UNCHANGED = StackChange("Headway-dev-base", Effect.UNCHANGED)
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command over a cloud that answers what is given."""
    monkeypatch.setattr("headway.deployment.synthesis.synthesize", lambda output, _project: output)
    monkeypatch.setattr("headway.deployment.assembly.stacks", lambda _assembly: [])
    monkeypatch.setattr("headway.deployment.connection.reach", lambda *_, **__: (None, None))
    change = ContractChange("acme", ("result.path",), Need.DRAIN)
    monkeypatch.setattr("headway.operations.contract_changes.needs_before", lambda *_: [change])

    def run(found: Sequence[StackChange] | BaseException, *words: str) -> Result:
        def answer(*_: object, **__: object) -> Sequence[StackChange]:
            if isinstance(found, BaseException):
                raise found
            return found

        monkeypatch.setattr("headway.deployment.difference.difference", answer)
        places = ["--config-dir", str(tmp_path), "--state-dir", str(tmp_path)]
        return CliRunner().invoke(app, ["diff", *places, *words])

    return run


def test_nothing_to_change_ends_with_0(run: Run) -> None:
    ended = run([UNCHANGED])
    assert (ended.exit_code, ended.stdout.splitlines()) == (
        0,
        ["Headway-dev-base: unchanged", "Nothing would change."],
    )


def test_a_stack_that_a_deployment_leaves_is_shown_and_is_no_change(run: Run) -> None:
    ended = run([StackChange("Headway-dev-old-state", Effect.LEFT, note="delete it yourself")])
    assert ended.exit_code == 0
    assert "Headway-dev-old-state: left as it is (delete it yourself)" in ended.stdout


def test_something_to_change_ends_with_1_and_names_paths_reasons_and_what_is_kept(run: Run) -> None:
    ended = run([UNCHANGED, StackChange(LANE, Effect.UPDATE, (ROLE, QUEUE), after=("Headway-dev-base",))])
    assert ended.exit_code == 1
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert f"{LANE}: update; resources: 1 remove, 1 replace" in lines
    assert "looks again at what Headway-dev-base gives it" in lines
    assert "replace Lane/Requests/Queue SQS::Queue QueueName kept" in lines
    assert "remove Lane/Caller/Role IAM::Role deleted" in lines
    assert lines[-2] == "1 of 2 stacks would change; resources: 1 replace, 0 may replace, 1 remove."
    assert lines[-1].startswith("acme: the contract changes in result.path: `headway drain acme --wait`, deploy,")


def test_resources_of_a_new_stack_are_counted_and_not_listed(run: Run) -> None:
    new = ResourceChange("Q1", "Lane/Requests/Queue", "AWS::SQS::Queue", Effect.CREATE)
    ended = run([StackChange(LANE, Effect.CREATE, (new, new))])
    assert f"{LANE}: create; resources: 2 create" in ended.stdout
    assert "Lane/Requests" not in ended.stdout


def test_as_json_it_has_all_resources_of_all_stacks(run: Run) -> None:
    ended = run([UNCHANGED, StackChange(LANE, Effect.UPDATE, (QUEUE,))], "--json", "--stage", "test")
    document = json.loads(ended.stdout)
    assert (ended.exit_code, document["stage"], document["target"], document["would_change"]) == (
        1,
        "test",
        "local",
        True,
    )
    assert [stack["effect"] for stack in document["stacks"]] == ["unchanged", "update"]
    assert document["stacks"][1]["resources"] == [
        {
            "logical_id": "Q1",
            "path": "Lane/Requests/Queue",
            "type": "AWS::SQS::Queue",
            "effect": "replace",
            "because": ["QueueName"],
            "is_retained": True,
        }
    ]


def test_without_a_cloud_there_is_no_answer_and_the_next_command_is_named(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["diff", "--config-dir", str(tmp_path), "--state-dir", str(tmp_path / "state")])
    assert isinstance(ended.exception, NotRunning)
    assert ended.exception.exit_code == 2
    assert "run `headway up` first" in str(ended.exception)


def test_ctrl_c_is_not_taken_for_a_change(run: Run) -> None:
    assert run(KeyboardInterrupt()).exit_code == 130
