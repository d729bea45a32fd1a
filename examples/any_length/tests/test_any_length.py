"""A file of any length: each line is one call, named after its line, and the results are a file again."""

import json
from pathlib import Path
from typing import Any

import pytest
from headway_cdk.project import find
from typer.testing import CliRunner

from headway.cli import app
from headway.testing.kit.workflow_test import WorkflowTests

PROJECT = find(Path(__file__).parent)
NOTES = [{"note": number} for number in range(5)]
FILE = {"payload": {"key": "notes.jsonl"}}
ON_EMBEDDED = pytest.mark.interpreters("embedded", reason="moto reads no JSON lines, and its items know no index")


class Bucket:
    """The project's bucket."""

    def __init__(self) -> None:
        self.objects = {"notes.jsonl": "".join(f"{json.dumps(note)}\n" for note in NOTES)}

    def get(self, asked: Any) -> Any:
        return {"Body": self.objects[asked["Key"]]}

    def put(self, asked: Any) -> None:
        self.objects[asked["Key"]] = asked["Body"]

    def lines(self, key: str) -> list[Any]:
        return [json.loads(line) for line in self.objects[key].splitlines()]


def with_bucket(workflow_test: WorkflowTests) -> tuple[Any, Bucket]:
    test, bucket = workflow_test("each_line"), Bucket()
    for action in ("s3:getObject", "aws-sdk:s3:getObject"):
        test.service(action).runs(bucket.get)
    test.service("s3:putObject").runs(bucket.put)
    return test, bucket


@ON_EMBEDDED
def test_every_line_is_a_call_and_its_result_a_line(workflow_test: WorkflowTests) -> None:
    test, bucket = with_bucket(workflow_test)
    scribe = test.vendor("scribe").answers("read", after_s=60)
    run = test.run(FILE, name="night")
    assert (run.status, run.output["failed"]) == ("SUCCEEDED", [])
    [results] = run.output["succeeded"]
    assert results.startswith("results/night/")
    assert bucket.lines(results) == [{"line": number, "result": "read"} for number in range(5)]
    assert sorted(call.payload["note"] for call in scribe.calls) == list(range(5))
    assert run.took_s == 60, "all at once: that many may wait"


@ON_EMBEDDED
def test_a_call_is_named_after_its_line_whichever_execution_asks(workflow_test: WorkflowTests) -> None:
    test, _ = with_bucket(workflow_test)
    scribe = test.vendor("scribe").answers("read")
    run = test.start(FILE, name="night")
    test.finish(run)
    asked = [call.message["call"] for call in scribe.calls]
    assert {(call["execution"], call["state"]) for call in asked} == {(run, "AskVendor")}
    assert sorted(call["item"] for call in asked) == list(range(5))


@ON_EMBEDDED
def test_more_failures_than_may_be_end_the_file(workflow_test: WorkflowTests) -> None:
    test, _ = with_bucket(workflow_test)
    test.vendor("scribe").fails("smudged")
    run = test.run(FILE)
    assert (run.status, run.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_no_more_lines_wait_than_the_plan_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT.root)
    said = CliRunner().invoke(app, ["plan", "scribe", "--json"])
    planned = {line["name"]: line["value"] for line in json.loads(said.stdout)["lines"]}
    assert planned["map_concurrency"] == PROJECT.settings["MapConcurrency"]
